-- People who use the dashboard. A user belongs to one account; whoever is limited sees the listed workspaces
-- only, and everybody else all of the account's.
create table users (
    id            uuid primary key,
    account_id    uuid not null references accounts,
    email         text not null,
    email_key     text not null,
    name          text not null,
    role          text not null check (role in ('owner', 'admin', 'editor', 'viewer')),
    limited       boolean not null,
    -- Null until the person has chosen a password.
    password_hash text,
    created_at    timestamptz not null,
    updated_at    timestamptz not null,
    disabled_at   timestamptz
);
-- Who signs in says an address, and no account.
create unique index users_email on users (email_key);
create index users_by_account on users (account_id, created_at, id);

create table user_workspaces (
    user_id      uuid not null references users,
    workspace_id uuid not null references workspaces,
    primary key (user_id, workspace_id)
);

-- The browser holds the secret, and here is its SHA-256: who reads this table cannot sign in by it.
create table sessions (
    hash       bytea primary key,
    user_id    uuid not null references users,
    csrf       text not null,
    created_at timestamptz not null,
    seen_at    timestamptz not null,
    expires_at timestamptz not null
);
create index sessions_by_user on sessions (user_id);
create index sessions_expiry on sessions (expires_at);

create table one_time_links (
    hash       bytea primary key,
    kind       text not null check (kind in ('set-up', 'invite', 'reset')),
    account_id uuid not null references accounts,
    user_id    uuid references users,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at    timestamptz
);
create index one_time_links_by_user on one_time_links (user_id);
create index one_time_links_expiry on one_time_links (expires_at);

-- Failed sign-ins by e-mail and by address (each as a SHA-256), since the first one that counts.
-- Not worth keeping through a crash, so it costs no WAL.
create unlogged table sign_in_failures (
    subject  bytea primary key,
    failures integer not null,
    since    timestamptz not null
);
create index sign_in_failures_age on sign_in_failures (since);

-- What contacts are found by as one types: the beginnings of the words of their names, of their e-mails and
-- phones, each with the end of the workspace's id before it. Kept up by a job (contacts/search.py) and not by
-- the writes themselves, which so stay on their page and touch no index.
create table contact_search (
    workspace_id uuid not null,
    contact_id   uuid not null,
    words        tsvector not null,
    primary key (workspace_id, contact_id)
);
create index contact_search_words on contact_search using gin (words);

-- Up to which moment a workspace's changes have been looked through for what the job missed.
create table search_progress (
    workspace_id uuid primary key,
    at           timestamptz not null
);

-- How a person has arranged the columns of a workspace's contacts.
create table grid_layouts (
    workspace_id uuid not null,
    user_id      uuid not null,
    columns      jsonb not null,
    primary key (workspace_id, user_id)
);

-- A filter with a name: of one person, or where user_id is null of everybody in the workspace.
create table saved_views (
    workspace_id uuid not null,
    id           uuid not null,
    user_id      uuid,
    name         text not null,
    query        text not null,
    created_at   timestamptz not null,
    primary key (workspace_id, id)
);
