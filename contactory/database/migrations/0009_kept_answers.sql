-- By it a purge finds the kept answers that hold values of the contact. Only those that name any contact are in it.
create index idempotency_records_contacts on idempotency_records using gin (contact_ids) where contact_ids <> '{}';
