-- What whoever looks after people and keys wants to know: who made an API key (a user, or another key; null
-- where nobody has noted it), when somebody was last signed in, and by what browser a session was opened.
alter table api_keys add column made_by_type text check (made_by_type in ('user', 'api_key')),
                     add column made_by uuid;
alter table users add column signed_in_at timestamptz;
update users u set signed_in_at = (select max(s.created_at) from sessions s where s.user_id = u.id);
alter table sessions add column agent text;
