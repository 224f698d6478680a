-- What is known of a contact's consent, by channel, and whether it asked to be left alone; null where nothing is
-- known. In the contact's row, so that whoever reads the contact knows it without a second read, and a change of
-- it has the version, the history and the lock of every other change.
alter table contacts add column consent jsonb;
