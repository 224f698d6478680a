-- Deleted contacts by their phone and their e-mail: a contact that is made with one of these begins with what they
-- objected to. Every creation looks here. The consent is not in the condition, so that writing it down touches no
-- index.
create index contacts_deleted_phone on contacts (workspace_id, phone)
    where deleted_at is not null and phone is not null;
create index contacts_deleted_email on contacts (workspace_id, email_key)
    where deleted_at is not null and email_key is not null;
