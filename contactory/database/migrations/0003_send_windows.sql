-- The local hours in which a workspace's contacts may be contacted. Exactly one of a workspace is its default.
create table send_windows (
    workspace_id uuid not null,
    id           uuid not null,
    name         text not null,
    channels     text[] not null,
    -- As the API shows them: [{"day": "mon", "from": "09:00", "to": "20:00"}].
    days         jsonb not null,
    holidays     date[] not null default '{}',
    is_default   boolean not null,
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    primary key (workspace_id, id)
);
create unique index send_windows_name on send_windows (workspace_id, name);
create unique index send_windows_default on send_windows (workspace_id) where is_default;

-- Each workspace that is there gets what a new one starts with, under an id of version 7 (RFC 9562).
insert into send_windows (workspace_id, id, name, channels, days, is_default, created_at, updated_at)
select w.id,
       (substr(millis, 1, 8) || '-' || substr(millis, 9) || '-7' || substr(gen_random_uuid()::text, 16))::uuid,
       'Default', '{call,sms,email}',
       (select jsonb_agg(jsonb_build_object('day', day, 'from', '09:00', 'to', '20:00') order by ord)
          from unnest('{mon,tue,wed,thu,fri,sat}'::text[]) with ordinality as d (day, ord)),
       true, now(), now()
  from workspaces w,
       lpad(to_hex((extract(epoch from now()) * 1000)::bigint), 12, '0') as millis
 where w.deleted_at is null;

-- Who is in a zone, oldest first, for lists of those who may be contacted now while it is day in few zones.
-- Only a change of the zone writes to it, so a PATCH of anything else stays on its page.
create index contacts_zone on contacts (workspace_id, timezone, created_at, id)
    where deleted_at is null and timezone is not null;
