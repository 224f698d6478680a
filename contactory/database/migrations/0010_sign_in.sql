-- The e-mail after ten failures of which one attempt a second is let through: from when the next one is.
alter table sign_in_failures add column next_at timestamptz;

-- From which addresses (each as a SHA-256) a user has signed in lately: what others fail at elsewhere does not
-- hold them up there.
create table known_addresses (
    user_id uuid not null references users,
    address bytea not null,
    seen_at timestamptz not null,
    primary key (user_id, address)
);
create index known_addresses_age on known_addresses (seen_at);

-- Somebody may belong to several accounts, and none of them is told of the others.
create index users_by_email on users (email_key);
drop index users_email;
create unique index users_email on users (account_id, email_key);
