-- Deleted contacts that objected to being contacted, by their phone and their e-mail: a contact that is made with
-- one of these begins with the objection. Few rows are in these indexes, and every creation looks into them.
create index contacts_objecting_phone on contacts (workspace_id, phone)
    where deleted_at is not null and consent @? '$.* ? (@ == true || @.status == "denied")';
create index contacts_objecting_email on contacts (workspace_id, email_key)
    where deleted_at is not null and consent @? '$.* ? (@ == true || @.status == "denied")';
