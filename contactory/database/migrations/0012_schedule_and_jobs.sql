-- The recurring jobs of the processes, one row each: when it is due, and which process is at it until when.
create table schedule (
    name          text primary key,
    every         interval not null,
    registered_at timestamptz not null,
    due_at        timestamptz not null,
    failures      bigint not null default 0,
    holder        uuid,
    held_until    timestamptz,
    last_success  timestamptz
);

-- How far the walk over the contacts has come that takes what was deleted off the disk: the last contact's id.
alter table tags add column swept_to uuid;
alter table custom_fields add column swept_to uuid;
alter table workspaces add column swept_to uuid;

-- The long work of a workspace.
create table jobs (
    workspace_id   uuid not null,
    id             uuid not null,
    type           text not null,
    status         text not null check (status in ('queued', 'running', 'done', 'failed', 'cancelled')),
    input          jsonb not null,
    -- Where the next piece begins; null before the first one.
    cursor         jsonb,
    done           bigint not null default 0,
    total          bigint,
    -- How many of its items ended how: {"created": 5, "failed": 1}.
    result         jsonb not null default '{}',
    actor_type     text not null,
    actor_id       uuid,
    via            text not null,
    request_id     text,
    holder         uuid,
    held_until     timestamptz,
    -- How often in a row it was begun without a piece coming to its end.
    attempts       bigint not null default 0,
    -- The kind of the last failure, for those who run the installation.
    error          text,
    -- Grows with each change that a client can see.
    version        bigint not null default 1,
    created_at     timestamptz not null,
    started_at     timestamptz,
    finished_at    timestamptz,
    undoable_until timestamptz,
    primary key (workspace_id, id)
);
create index jobs_created on jobs (workspace_id, created_at, id);
create index jobs_finished on jobs (finished_at) where finished_at is not null;

-- What could not be done for single items of a job, and why a job failed.
create table job_problems (
    workspace_id uuid not null,
    job_id       uuid not null,
    position     bigint generated always as identity,
    contact_id   uuid,
    problem      jsonb not null,
    primary key (workspace_id, job_id, position)
);
-- By it a purge finds what quotes the contact's values.
create index job_problems_contact on job_problems (workspace_id, contact_id) where contact_id is not null;

-- The jobs that are not at their end: small, and never spread over machines, so that SKIP LOCKED can search it.
create table jobs_due (
    workspace_id uuid not null,
    job_id       uuid not null,
    type         text not null,
    due_at       timestamptz not null,
    primary key (workspace_id, job_id)
);
