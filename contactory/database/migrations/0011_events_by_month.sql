-- The events get a table by months (months.py). The table that exists becomes its first partition as it is.
-- events_by_month.py has prepared it, so that no row is copied or read here, and the lock is short.
alter table contact_events
    -- The time of the change before, if that is long ago.
    add column previous_at timestamptz,
    -- The cause of the change, in addition to the actor: for example, the event that an undo undoes.
    add column cause_type text,
    add column cause_id uuid;

-- Statements of the release before find the new table by the same name, in the same transaction.
-- squawk-ignore renaming-table
alter table contact_events rename to contact_events_first;
create table contact_events (like contact_events_first including defaults) partition by range (at);
create index contact_events_time on contact_events (workspace_id, at, contact_id);
create table contact_events_later (like contact_events including defaults);
alter table contact_events_later add primary key (workspace_id, contact_id, version);

do $$
declare
    -- The end of the first partition: its constraint has it, except for an empty table.
    first_end constant timestamptz := coalesce(
        (select substring(pg_get_constraintdef(oid) from '''([^'']+)''')::timestamptz from pg_constraint
          where conrelid = 'contact_events_first'::regclass and conname = 'contact_events_end'),
        date_trunc('month', now(), 'UTC'));
begin
    execute format('alter table contact_events attach partition contact_events_first '
                   'for values from (minvalue) to (%L)', first_end);
    execute format('alter table contact_events attach partition contact_events_later '
                   'for values from (%L) to (maxvalue)', first_end);
end $$;
-- The bound of the partition replaces it.
-- squawk-ignore ban-drop-constraint
alter table contact_events_first drop constraint if exists contact_events_end;
