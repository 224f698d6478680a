COMMENT ON SCHEMA public IS 'standard public schema';

CREATE TABLE public.accounts (
    id uuid NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone NOT NULL
);

CREATE TABLE public.api_keys (
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    workspace_id uuid,
    name text NOT NULL,
    hash bytea NOT NULL,
    prefix text NOT NULL,
    mode text NOT NULL,
    permission text NOT NULL,
    rate_limit double precision,
    rate_burst integer,
    created_at timestamp with time zone NOT NULL,
    last_used_at timestamp with time zone,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    made_by_type text,
    made_by uuid,
    CONSTRAINT api_keys_made_by_type_check CHECK ((made_by_type = ANY (ARRAY['user'::text, 'api_key'::text]))),
    CONSTRAINT api_keys_mode_check CHECK ((mode = ANY (ARRAY['live'::text, 'test'::text]))),
    CONSTRAINT api_keys_permission_check CHECK ((permission = ANY (ARRAY['read'::text, 'write'::text, 'admin'::text])))
);

CREATE TABLE public.contact_events (
    workspace_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    version bigint NOT NULL,
    id uuid NOT NULL,
    type text NOT NULL,
    at timestamp with time zone NOT NULL,
    tx xid8 DEFAULT pg_current_xact_id() NOT NULL,
    actor_type text NOT NULL,
    actor_id uuid,
    via text NOT NULL,
    request_id text,
    changes jsonb NOT NULL,
    previous_at timestamp with time zone,
    cause_type text,
    cause_id uuid
)
PARTITION BY RANGE (at);

CREATE TABLE public.contact_events_first (
    workspace_id uuid CONSTRAINT contact_events_workspace_id_not_null NOT NULL,
    contact_id uuid CONSTRAINT contact_events_contact_id_not_null NOT NULL,
    version bigint CONSTRAINT contact_events_version_not_null NOT NULL,
    id uuid CONSTRAINT contact_events_id_not_null NOT NULL,
    type text CONSTRAINT contact_events_type_not_null NOT NULL,
    at timestamp with time zone CONSTRAINT contact_events_at_not_null NOT NULL,
    tx xid8 DEFAULT pg_current_xact_id() CONSTRAINT contact_events_tx_not_null NOT NULL,
    actor_type text CONSTRAINT contact_events_actor_type_not_null NOT NULL,
    actor_id uuid,
    via text CONSTRAINT contact_events_via_not_null NOT NULL,
    request_id text,
    changes jsonb CONSTRAINT contact_events_changes_not_null NOT NULL,
    previous_at timestamp with time zone,
    cause_type text,
    cause_id uuid
)
WITH (autovacuum_analyze_scale_factor='0.5');
ALTER TABLE ONLY public.contact_events_first ALTER COLUMN changes SET STATISTICS 0;

CREATE TABLE public.contact_events_later (
    workspace_id uuid CONSTRAINT contact_events_workspace_id_not_null NOT NULL,
    contact_id uuid CONSTRAINT contact_events_contact_id_not_null NOT NULL,
    version bigint CONSTRAINT contact_events_version_not_null NOT NULL,
    id uuid CONSTRAINT contact_events_id_not_null NOT NULL,
    type text CONSTRAINT contact_events_type_not_null NOT NULL,
    at timestamp with time zone CONSTRAINT contact_events_at_not_null NOT NULL,
    tx xid8 DEFAULT pg_current_xact_id() CONSTRAINT contact_events_tx_not_null NOT NULL,
    actor_type text CONSTRAINT contact_events_actor_type_not_null NOT NULL,
    actor_id uuid,
    via text CONSTRAINT contact_events_via_not_null NOT NULL,
    request_id text,
    changes jsonb CONSTRAINT contact_events_changes_not_null NOT NULL,
    previous_at timestamp with time zone,
    cause_type text,
    cause_id uuid
)
WITH (autovacuum_analyze_scale_factor='0.5');
ALTER TABLE ONLY public.contact_events_later ALTER COLUMN changes SET STATISTICS 0;

CREATE TABLE public.contact_search (
    workspace_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    words tsvector NOT NULL,
    first_key text COLLATE pg_catalog."C",
    last_key text COLLATE pg_catalog."C"
)
WITH (autovacuum_vacuum_scale_factor='0.2', autovacuum_analyze_scale_factor='0.2');

CREATE TABLE public.contacts (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    first_name text,
    last_name text,
    email text,
    email_key text,
    phone text,
    timezone text,
    timezone_source text,
    timezones text[],
    tag_ids bigint[] NOT NULL,
    fields jsonb NOT NULL,
    version bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    deleted_at timestamp with time zone,
    consent jsonb
)
WITH (fillfactor='75', autovacuum_vacuum_scale_factor='0.05', autovacuum_analyze_scale_factor='0.2');

CREATE TABLE public.custom_fields (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    num bigint NOT NULL,
    name text NOT NULL,
    type text NOT NULL,
    "position" integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    deleted_at timestamp with time zone,
    swept_at timestamp with time zone,
    next_type text,
    next_type_at timestamp with time zone,
    swept_to uuid
);

ALTER TABLE public.custom_fields ALTER COLUMN num ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.custom_fields_num_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.grid_layouts (
    workspace_id uuid NOT NULL,
    user_id uuid NOT NULL,
    columns jsonb NOT NULL
);

CREATE TABLE public.kept_answers (
    key_id uuid NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    status smallint,
    headers jsonb,
    body bytea,
    contact_ids uuid[] DEFAULT '{}'::uuid[] NOT NULL,
    created_at timestamp with time zone NOT NULL
)
PARTITION BY RANGE (created_at);

CREATE TABLE public.idempotency_records (
    key_id uuid NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    status smallint,
    headers jsonb,
    body bytea,
    contact_ids uuid[] DEFAULT '{}'::uuid[] NOT NULL,
    created_at timestamp with time zone NOT NULL
);

CREATE TABLE public.job_problems (
    workspace_id uuid NOT NULL,
    job_id uuid NOT NULL,
    "position" bigint NOT NULL,
    contact_id uuid,
    problem jsonb NOT NULL
);

ALTER TABLE public.job_problems ALTER COLUMN "position" ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.job_problems_position_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.jobs (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    type text NOT NULL,
    status text NOT NULL,
    input jsonb NOT NULL,
    cursor jsonb,
    done bigint DEFAULT 0 NOT NULL,
    total bigint,
    result jsonb DEFAULT '{}'::jsonb NOT NULL,
    actor_type text NOT NULL,
    actor_id uuid,
    via text NOT NULL,
    request_id text,
    holder uuid,
    held_until timestamp with time zone,
    attempts bigint DEFAULT 0 NOT NULL,
    error text,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    undoable_until timestamp with time zone,
    CONSTRAINT jobs_status_check CHECK ((status = ANY (ARRAY['queued'::text, 'running'::text, 'done'::text, 'failed'::text, 'cancelled'::text])))
);

CREATE TABLE public.jobs_due (
    workspace_id uuid NOT NULL,
    job_id uuid NOT NULL,
    type text NOT NULL,
    due_at timestamp with time zone NOT NULL
);

CREATE TABLE public.kept_answers_later (
    key_id uuid CONSTRAINT kept_answers_key_id_not_null NOT NULL,
    key text CONSTRAINT kept_answers_key_not_null NOT NULL,
    fingerprint bytea CONSTRAINT kept_answers_fingerprint_not_null NOT NULL,
    status smallint,
    headers jsonb,
    body bytea,
    contact_ids uuid[] DEFAULT '{}'::uuid[] CONSTRAINT kept_answers_contact_ids_not_null NOT NULL,
    created_at timestamp with time zone CONSTRAINT kept_answers_created_at_not_null NOT NULL
);

CREATE TABLE public.known_addresses (
    user_id uuid NOT NULL,
    address bytea NOT NULL,
    seen_at timestamp with time zone NOT NULL
);

CREATE TABLE public.one_time_links (
    hash bytea NOT NULL,
    kind text NOT NULL,
    account_id uuid NOT NULL,
    user_id uuid,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    CONSTRAINT one_time_links_kind_check CHECK ((kind = ANY (ARRAY['set-up'::text, 'invite'::text, 'reset'::text])))
);

CREATE UNLOGGED TABLE public.rate_buckets (
    key_id uuid NOT NULL,
    tokens double precision NOT NULL,
    granted boolean NOT NULL,
    at timestamp with time zone NOT NULL
);

CREATE TABLE public.saved_views (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    user_id uuid,
    name text NOT NULL,
    query text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    refers jsonb
);

CREATE TABLE public.schedule (
    name text NOT NULL,
    every interval NOT NULL,
    registered_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL,
    failures bigint DEFAULT 0 NOT NULL,
    holder uuid,
    held_until timestamp with time zone,
    last_success timestamp with time zone
);

CREATE TABLE public.schema_migrations (
    number integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone NOT NULL
);

CREATE TABLE public.search_progress (
    workspace_id uuid NOT NULL,
    at timestamp with time zone NOT NULL
);

CREATE TABLE public.send_windows (
    workspace_id uuid NOT NULL,
    id uuid NOT NULL,
    name text NOT NULL,
    channels text[] NOT NULL,
    days jsonb NOT NULL,
    holidays date[] DEFAULT '{}'::date[] NOT NULL,
    is_default boolean NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL
);

CREATE TABLE public.sessions (
    hash bytea NOT NULL,
    user_id uuid NOT NULL,
    csrf text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    seen_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    agent text
);

CREATE UNLOGGED TABLE public.sign_in_failures (
    subject bytea NOT NULL,
    failures integer NOT NULL,
    since timestamp with time zone NOT NULL,
    next_at timestamp with time zone
);

CREATE TABLE public.tags (
    workspace_id uuid NOT NULL,
    id bigint NOT NULL,
    name text NOT NULL,
    merged_into bigint,
    created_at timestamp with time zone NOT NULL,
    deleted_at timestamp with time zone,
    swept_at timestamp with time zone,
    swept_to uuid
);

ALTER TABLE public.tags ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.tags_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.user_workspaces (
    user_id uuid NOT NULL,
    workspace_id uuid NOT NULL
);

CREATE TABLE public.users (
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    email text NOT NULL,
    email_key text NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    limited boolean NOT NULL,
    password_hash text,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    disabled_at timestamp with time zone,
    signed_in_at timestamp with time zone,
    CONSTRAINT users_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'admin'::text, 'editor'::text, 'viewer'::text])))
);

CREATE TABLE public.workspaces (
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    name text NOT NULL,
    description text,
    mode text NOT NULL,
    timezone text,
    country text,
    icon text,
    contact_name text,
    contact_phone text,
    contact_email text,
    street_address text,
    state text,
    zip text,
    business_registration_number text,
    catalog_version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    deleted_at timestamp with time zone,
    swept_at timestamp with time zone,
    swept_to uuid,
    CONSTRAINT workspaces_mode_check CHECK ((mode = ANY (ARRAY['live'::text, 'test'::text])))
);

ALTER TABLE ONLY public.contact_events ATTACH PARTITION public.contact_events_first FOR VALUES FROM (MINVALUE) TO ('A DAY');

ALTER TABLE ONLY public.contact_events ATTACH PARTITION public.contact_events_later FOR VALUES FROM ('A DAY') TO (MAXVALUE);

ALTER TABLE ONLY public.kept_answers ATTACH PARTITION public.idempotency_records FOR VALUES FROM (MINVALUE) TO ('A DAY');

ALTER TABLE ONLY public.kept_answers ATTACH PARTITION public.kept_answers_later FOR VALUES FROM ('A DAY') TO (MAXVALUE);

ALTER TABLE ONLY public.accounts
    ADD CONSTRAINT accounts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.contact_events_later
    ADD CONSTRAINT contact_events_later_pkey PRIMARY KEY (workspace_id, contact_id, version);

ALTER TABLE ONLY public.contact_events_first
    ADD CONSTRAINT contact_events_pkey PRIMARY KEY (workspace_id, contact_id, version);

ALTER TABLE ONLY public.contact_search
    ADD CONSTRAINT contact_search_pkey PRIMARY KEY (workspace_id, contact_id);

ALTER TABLE ONLY public.contacts
    ADD CONSTRAINT contacts_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.custom_fields
    ADD CONSTRAINT custom_fields_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.grid_layouts
    ADD CONSTRAINT grid_layouts_pkey PRIMARY KEY (workspace_id, user_id);

ALTER TABLE ONLY public.idempotency_records
    ADD CONSTRAINT idempotency_records_pkey PRIMARY KEY (key_id, key);

ALTER TABLE ONLY public.job_problems
    ADD CONSTRAINT job_problems_pkey PRIMARY KEY (workspace_id, job_id, "position");

ALTER TABLE ONLY public.jobs_due
    ADD CONSTRAINT jobs_due_pkey PRIMARY KEY (workspace_id, job_id);

ALTER TABLE ONLY public.jobs
    ADD CONSTRAINT jobs_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.kept_answers_later
    ADD CONSTRAINT kept_answers_later_pkey PRIMARY KEY (key_id, key);

ALTER TABLE ONLY public.known_addresses
    ADD CONSTRAINT known_addresses_pkey PRIMARY KEY (user_id, address);

ALTER TABLE ONLY public.one_time_links
    ADD CONSTRAINT one_time_links_pkey PRIMARY KEY (hash);

ALTER TABLE ONLY public.rate_buckets
    ADD CONSTRAINT rate_buckets_pkey PRIMARY KEY (key_id);

ALTER TABLE ONLY public.saved_views
    ADD CONSTRAINT saved_views_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.schedule
    ADD CONSTRAINT schedule_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (number);

ALTER TABLE ONLY public.search_progress
    ADD CONSTRAINT search_progress_pkey PRIMARY KEY (workspace_id);

ALTER TABLE ONLY public.send_windows
    ADD CONSTRAINT send_windows_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (hash);

ALTER TABLE ONLY public.sign_in_failures
    ADD CONSTRAINT sign_in_failures_pkey PRIMARY KEY (subject);

ALTER TABLE ONLY public.tags
    ADD CONSTRAINT tags_pkey PRIMARY KEY (workspace_id, id);

ALTER TABLE ONLY public.user_workspaces
    ADD CONSTRAINT user_workspaces_pkey PRIMARY KEY (user_id, workspace_id);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.workspaces
    ADD CONSTRAINT workspaces_pkey PRIMARY KEY (id);

CREATE INDEX api_keys_by_account ON public.api_keys USING btree (account_id, created_at, id);

CREATE UNIQUE INDEX api_keys_hash ON public.api_keys USING btree (hash);

CREATE INDEX contact_events_time ON ONLY public.contact_events USING btree (workspace_id, at, contact_id);

CREATE INDEX contact_events_at ON public.contact_events_first USING btree (workspace_id, at, contact_id);

CREATE INDEX contact_events_later_workspace_id_at_contact_id_idx ON public.contact_events_later USING btree (workspace_id, at, contact_id);

CREATE INDEX contact_search_first ON public.contact_search USING btree (workspace_id, first_key, contact_id);

CREATE INDEX contact_search_last ON public.contact_search USING btree (workspace_id, last_key, contact_id);

CREATE INDEX contact_search_words ON public.contact_search USING gin (words);

CREATE INDEX contacts_created ON public.contacts USING btree (workspace_id, created_at, id) WHERE (deleted_at IS NULL);

CREATE INDEX contacts_deleted_email ON public.contacts USING btree (workspace_id, email_key) WHERE ((deleted_at IS NOT NULL) AND (email_key IS NOT NULL));

CREATE INDEX contacts_deleted_phone ON public.contacts USING btree (workspace_id, phone) WHERE ((deleted_at IS NOT NULL) AND (phone IS NOT NULL));

CREATE UNIQUE INDEX contacts_email ON public.contacts USING btree (workspace_id, email_key) WHERE (deleted_at IS NULL);

CREATE UNIQUE INDEX contacts_phone ON public.contacts USING btree (workspace_id, phone) WHERE (deleted_at IS NULL);

CREATE INDEX contacts_tags ON public.contacts USING gin (tag_ids);

CREATE INDEX contacts_zone ON public.contacts USING btree (workspace_id, timezone, created_at, id) WHERE ((deleted_at IS NULL) AND (timezone IS NOT NULL));

CREATE INDEX custom_fields_in_transition ON public.custom_fields USING btree (workspace_id, id) WHERE (next_type IS NOT NULL);

CREATE UNIQUE INDEX custom_fields_name ON public.custom_fields USING btree (workspace_id, name) WHERE (deleted_at IS NULL);

CREATE INDEX custom_fields_num ON public.custom_fields USING btree (workspace_id, num);

CREATE INDEX custom_fields_to_sweep ON public.custom_fields USING btree (workspace_id, id) WHERE ((deleted_at IS NOT NULL) AND (swept_at IS NULL));

CREATE INDEX idempotency_records_age ON public.idempotency_records USING btree (created_at);

CREATE INDEX idempotency_records_contacts ON public.idempotency_records USING gin (contact_ids) WHERE (contact_ids <> '{}'::uuid[]);

CREATE INDEX job_problems_contact ON public.job_problems USING btree (workspace_id, contact_id) WHERE (contact_id IS NOT NULL);

CREATE INDEX jobs_created ON public.jobs USING btree (workspace_id, created_at, id);

CREATE INDEX jobs_finished ON public.jobs USING btree (finished_at) WHERE (finished_at IS NOT NULL);

CREATE INDEX kept_answers_later_contact_ids_idx ON public.kept_answers_later USING btree ((contact_ids[1])) WHERE (cardinality(contact_ids) = 1);

CREATE INDEX kept_answers_later_contact_ids_idx1 ON public.kept_answers_later USING gin (contact_ids) WHERE (cardinality(contact_ids) > 1);

CREATE INDEX known_addresses_age ON public.known_addresses USING btree (seen_at);

CREATE INDEX one_time_links_by_user ON public.one_time_links USING btree (user_id);

CREATE INDEX one_time_links_expiry ON public.one_time_links USING btree (expires_at);

CREATE UNIQUE INDEX send_windows_default ON public.send_windows USING btree (workspace_id) WHERE is_default;

CREATE UNIQUE INDEX send_windows_name ON public.send_windows USING btree (workspace_id, name);

CREATE INDEX sessions_by_user ON public.sessions USING btree (user_id);

CREATE INDEX sessions_expiry ON public.sessions USING btree (expires_at);

CREATE INDEX sign_in_failures_age ON public.sign_in_failures USING btree (since);

CREATE UNIQUE INDEX tags_name ON public.tags USING btree (workspace_id, name) WHERE ((deleted_at IS NULL) AND (merged_into IS NULL));

CREATE INDEX tags_to_sweep ON public.tags USING btree (workspace_id, id) WHERE ((deleted_at IS NOT NULL) AND (swept_at IS NULL));

CREATE INDEX users_by_account ON public.users USING btree (account_id, created_at, id);

CREATE INDEX users_by_email ON public.users USING btree (email_key);

CREATE UNIQUE INDEX users_email ON public.users USING btree (account_id, email_key);

CREATE INDEX workspaces_by_account ON public.workspaces USING btree (account_id, created_at, id);

CREATE INDEX workspaces_to_sweep ON public.workspaces USING btree (id) WHERE ((deleted_at IS NOT NULL) AND (swept_at IS NULL));

ALTER INDEX public.contact_events_time ATTACH PARTITION public.contact_events_at;

ALTER INDEX public.contact_events_time ATTACH PARTITION public.contact_events_later_workspace_id_at_contact_id_idx;

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);

ALTER TABLE ONLY public.known_addresses
    ADD CONSTRAINT known_addresses_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id);

ALTER TABLE ONLY public.one_time_links
    ADD CONSTRAINT one_time_links_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.one_time_links
    ADD CONSTRAINT one_time_links_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id);

ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id);

ALTER TABLE ONLY public.user_workspaces
    ADD CONSTRAINT user_workspaces_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id);

ALTER TABLE ONLY public.user_workspaces
    ADD CONSTRAINT user_workspaces_workspace_id_fkey FOREIGN KEY (workspace_id) REFERENCES public.workspaces(id);

ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);

ALTER TABLE ONLY public.workspaces
    ADD CONSTRAINT workspaces_account_id_fkey FOREIGN KEY (account_id) REFERENCES public.accounts(id);
