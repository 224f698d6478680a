-- Events are kept by months (months.py). What has been written so far becomes the first part, as it is:
-- events_by_month.py has prepared it, so that nothing is copied or read here, and the lock is a matter of moments.
alter table contact_events
    -- When the contact was changed before, where that is long ago.
    add column previous_at timestamptz,
    -- What made the change happen, besides the actor: an undo (of which event), say.
    add column cause_type text,
    add column cause_id uuid;

alter table contact_events rename to contact_events_first;
alter index contact_events_pkey rename to contact_events_first_pkey;
alter index contact_events_at rename to contact_events_first_at;

create table contact_events (like contact_events_first including defaults) partition by range (at);
create index contact_events_at on contact_events (workspace_id, at, contact_id);
create table contact_events_later (like contact_events including defaults);
alter table contact_events_later add primary key (workspace_id, contact_id, version);

do $$
declare
    -- Where the first part ends: what its constraint says; one that is empty has none, and is in nobody's way.
    ends constant timestamptz := coalesce(
        (select substring(pg_get_constraintdef(oid) from '''([^'']+)''')::timestamptz from pg_constraint
          where conrelid = 'contact_events_first'::regclass and conname = 'contact_events_end'),
        date_trunc('month', now(), 'UTC'));
begin
    execute format('alter table contact_events attach partition contact_events_first '
                   'for values from (minvalue) to (%L)', ends);
    execute format('alter table contact_events attach partition contact_events_later '
                   'for values from (%L) to (maxvalue)', ends);
end $$;
alter table contact_events_first drop constraint if exists contact_events_end;
