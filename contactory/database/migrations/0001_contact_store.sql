-- The contact store. Tables that belong to a workspace have workspace_id first in every key,
-- so that they can be distributed by it; ids and timestamps come from the application.

create table accounts (
    id         uuid primary key,
    name       text not null,
    created_at timestamptz not null
);

create table workspaces (
    id              uuid primary key,
    account_id      uuid not null references accounts,
    name            text not null,
    description     text,
    mode            text not null check (mode in ('live', 'test')),
    timezone        text,
    country         text,
    icon            text,
    contact_name    text,
    contact_phone   text,
    contact_email   text,
    street_address  text,
    state           text,
    zip             text,
    business_registration_number text,
    -- Grows whenever a name, type or default that writes depend on changes; every write checks it,
    -- so no process can write by a catalogue that is out of date.
    catalog_version bigint not null default 1,
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    deleted_at      timestamptz,
    -- When a background job had erased what belonged to the deleted row; likewise below.
    swept_at        timestamptz
);
create index workspaces_by_account on workspaces (account_id, created_at, id);

create table api_keys (
    id           uuid primary key,
    account_id   uuid not null references accounts,
    workspace_id uuid references workspaces,
    name         text not null,
    hash         bytea not null,
    prefix       text not null,
    mode         text not null check (mode in ('live', 'test')),
    permission   text not null check (permission in ('read', 'write', 'admin')),
    rate_limit   double precision,
    rate_burst   integer,
    created_at   timestamptz not null,
    last_used_at timestamptz,
    expires_at   timestamptz,
    revoked_at   timestamptz
);
create unique index api_keys_hash on api_keys (hash);
create index api_keys_by_account on api_keys (account_id, created_at, id);

create table tags (
    workspace_id uuid not null,
    id           bigint generated always as identity,
    name         text not null,
    -- A merged tag stays as an alias, so that a merge is one row whatever the number of contacts.
    merged_into  bigint,
    created_at   timestamptz not null,
    deleted_at   timestamptz,
    swept_at     timestamptz,
    primary key (workspace_id, id)
);
create unique index tags_name on tags (workspace_id, name) where deleted_at is null and merged_into is null;

create table custom_fields (
    workspace_id uuid not null,
    id           uuid not null,
    -- The short key under which contacts.fields holds this field's value.
    num          bigint generated always as identity,
    name         text not null,
    type         text not null check (type in ('text', 'number', 'date', 'boolean')),
    position     integer not null,
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    deleted_at   timestamptz,
    swept_at     timestamptz,
    primary key (workspace_id, id)
);
create unique index custom_fields_name on custom_fields (workspace_id, name) where deleted_at is null;

create index workspaces_to_sweep on workspaces (id) where deleted_at is not null and swept_at is null;
create index tags_to_sweep on tags (workspace_id, id) where deleted_at is not null and swept_at is null;
create index custom_fields_to_sweep on custom_fields (workspace_id, id)
    where deleted_at is not null and swept_at is null;

create table contacts (
    workspace_id    uuid not null,
    id              uuid not null,
    first_name      text,
    last_name       text,
    email           text,
    email_key       text,
    phone           text,
    timezone        text,
    timezone_source text,
    timezones       text[],
    tag_ids         bigint[] not null,
    fields          jsonb not null,
    version         bigint not null,
    created_at      timestamptz not null,
    updated_at      timestamptz not null,
    deleted_at      timestamptz,
    primary key (workspace_id, id)
) with (
    -- Room on each page for the next version of a row: a PATCH that changes no indexed column stays
    -- on its page and touches no index.
    fillfactor = 75, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05
);
create unique index contacts_email on contacts (workspace_id, email_key) where deleted_at is null;
create unique index contacts_phone on contacts (workspace_id, phone) where deleted_at is null;
create index contacts_created on contacts (workspace_id, created_at, id) where deleted_at is null;
create index contacts_tags on contacts using gin (tag_ids);

-- Every change of a contact, written in the transaction of the change: history and outbox in one.
create table contact_events (
    workspace_id uuid not null,
    contact_id   uuid not null,
    version      bigint not null,
    id           uuid not null,
    type         text not null,
    at           timestamptz not null,
    tx           xid8 not null default pg_current_xact_id(),
    actor_type   text not null,
    actor_id     uuid,
    via          text not null,
    request_id   text,
    changes      jsonb not null,
    primary key (workspace_id, contact_id, version)
);
create index contact_events_at on contact_events (workspace_id, at, contact_id);

create table idempotency_records (
    key_id      uuid not null,
    key         text not null,
    fingerprint bytea not null,
    status      smallint,
    headers     jsonb,
    body        bytea,
    -- The contacts whose values the answer holds, so that a purge finds it.
    contact_ids uuid[] not null default '{}',
    created_at  timestamptz not null,
    primary key (key_id, key)
);
create index idempotency_records_age on idempotency_records (created_at);

-- Worth nothing after a crash, so it costs no WAL.
create unlogged table rate_buckets (
    key_id  uuid primary key,
    tokens  double precision not null,
    granted boolean not null,
    at      timestamptz not null
);
