-- The answers that are kept for an Idempotency-Key get a table by days (answers.py). The table that
-- exists becomes its first partition as it is, and takes all answers of the next day or two: servers of the
-- release before go on with it under its own name, and find in it what the new servers keep, and the reverse.
-- first_part.py has prepared it, so that no row is copied or read here, and the lock is short.
create table kept_answers (
    key_id      uuid not null,
    key         text not null,
    fingerprint bytea not null,
    -- As in the table that becomes a partition: an HTTP status.
    -- squawk-ignore prefer-bigint-over-smallint
    status      smallint,
    headers     jsonb,
    body        bytea,
    contact_ids uuid[] not null default '{}',
    created_at  timestamptz not null
) partition by range (created_at);
create table kept_answers_later (like kept_answers including defaults);
alter table kept_answers_later add primary key (key_id, key);
create index on kept_answers_later ((contact_ids[1])) where cardinality(contact_ids) = 1;
create index on kept_answers_later using gin (contact_ids)
    where cardinality(contact_ids) > 1;

do $$
declare
    -- The end of the first partition: its constraint has it. Without an account there are no other servers yet.
    first_end constant timestamptz := coalesce(
        (select substring(pg_get_constraintdef(oid) from '''([^'']+)''')::timestamptz from pg_constraint
          where conrelid = 'idempotency_records'::regclass and conname = 'idempotency_records_end'),
        date_trunc('day', now(), 'UTC')
            + case when exists (select from accounts) then interval '2 days' else interval '0' end);
begin
    execute format('alter table kept_answers attach partition idempotency_records '
                   'for values from (minvalue) to (%L)', first_end);
    execute format('alter table kept_answers attach partition kept_answers_later '
                   'for values from (%L) to (maxvalue)', first_end);
end $$;
-- The bound of the partition replaces it.
-- squawk-ignore ban-drop-constraint
alter table idempotency_records drop constraint if exists idempotency_records_end;

-- By it the statement of a change with a key shows a contact's values by the names of their fields.
-- The table is small: a workspace has 500 fields at most.
-- squawk-ignore require-concurrent-index-creation
create index custom_fields_num on custom_fields (workspace_id, num);
