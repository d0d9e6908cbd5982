CREATE SCHEMA accounts;

CREATE FUNCTION accounts.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;

CREATE UNLOGGED TABLE accounts.attempts (
    key text NOT NULL,
    made_at timestamp with time zone[] NOT NULL,
    forget_at timestamp with time zone NOT NULL
)
WITH (fillfactor='50');

CREATE TABLE accounts.audit_log (
    id uuid NOT NULL,
    at timestamp with time zone NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    subject uuid NOT NULL,
    customer_id uuid,
    details jsonb NOT NULL,
    address text,
    cause_id text NOT NULL,
    correlation_id text NOT NULL
);

CREATE TABLE accounts.business_clock (
    single boolean DEFAULT true NOT NULL,
    shift_seconds double precision DEFAULT 0 NOT NULL,
    version bigint DEFAULT 0 NOT NULL,
    CONSTRAINT business_clock_single_check CHECK (single)
);

CREATE TABLE accounts.check_results (
    name text NOT NULL,
    checked bigint NOT NULL,
    violations integer NOT NULL,
    ran_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE accounts.customers (
    id uuid NOT NULL,
    name text NOT NULL,
    company text,
    tax_id text,
    country text NOT NULL,
    currency text NOT NULL,
    language text NOT NULL,
    time_zone text NOT NULL,
    phone text,
    address jsonb,
    search tsvector NOT NULL,
    version bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT customers_company_check CHECK ((company <> ''::text)),
    CONSTRAINT customers_country_check CHECK ((country ~ '^[A-Z]{2}$'::text)),
    CONSTRAINT customers_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT customers_language_check CHECK ((language = ANY (ARRAY['en'::text, 'pt-BR'::text]))),
    CONSTRAINT customers_name_check CHECK ((name <> ''::text)),
    CONSTRAINT customers_phone_check CHECK ((phone <> ''::text)),
    CONSTRAINT customers_tax_id_check CHECK ((tax_id <> ''::text)),
    CONSTRAINT customers_version_check CHECK ((version > 0))
);

CREATE TABLE accounts.idempotency_keys (
    caller text NOT NULL,
    method text NOT NULL,
    route text NOT NULL,
    key text NOT NULL,
    request_hash bytea NOT NULL,
    leased_until timestamp with time zone NOT NULL,
    status smallint,
    body text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    completed_at timestamp with time zone
);

CREATE TABLE accounts.inbox (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    type text NOT NULL,
    handled_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE accounts.job_runs (
    job text NOT NULL,
    due_at timestamp with time zone NOT NULL,
    run_id uuid NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    error text
);

CREATE TABLE accounts.link_requests (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    purpose text NOT NULL,
    email public.citext NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone,
    CONSTRAINT link_requests_purpose_check CHECK ((purpose = ANY (ARRAY['verify_email'::text, 'reset_password'::text])))
);

CREATE TABLE accounts.outbox (
    seq bigint NOT NULL,
    event_id uuid NOT NULL,
    type text NOT NULL,
    aggregate text NOT NULL,
    subject uuid NOT NULL,
    version bigint NOT NULL,
    republished boolean NOT NULL,
    correlation_id text NOT NULL,
    causation_id text NOT NULL,
    actor text NOT NULL,
    body text NOT NULL,
    emitted_at timestamp with time zone NOT NULL,
    retry_at timestamp with time zone,
    published_at timestamp with time zone,
    CONSTRAINT outbox_version_check CHECK ((version > 0))
);

ALTER TABLE accounts.outbox ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME accounts.outbox_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE accounts.readings (
    consumer text NOT NULL,
    type text NOT NULL,
    since timestamp with time zone
);

CREATE TABLE accounts.refresh_tokens (
    token_hash bytea NOT NULL,
    session_id uuid NOT NULL,
    issued_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone
);

CREATE TABLE accounts.retries (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    producer text NOT NULL,
    emitted_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL
);

CREATE TABLE accounts.schema_migrations (
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE accounts.sessions (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    device text,
    address text,
    created_at timestamp with time zone NOT NULL,
    last_used_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    end_reason text,
    token_hash bytea,
    CONSTRAINT sessions_end_has_reason CHECK (((ended_at IS NULL) = (end_reason IS NULL))),
    CONSTRAINT sessions_end_reason_check CHECK ((end_reason = ANY (ARRAY['logged_out'::text, 'ended_by_user'::text, 'password_changed'::text, 'password_reset'::text, 'token_reused'::text])))
);

CREATE TABLE accounts.users (
    id uuid NOT NULL,
    customer_id uuid,
    role text,
    permissions text[] NOT NULL,
    name text NOT NULL,
    email public.citext NOT NULL,
    email_verified_at timestamp with time zone,
    password_hash text NOT NULL,
    password_changed_at timestamp with time zone NOT NULL,
    language text NOT NULL,
    active boolean NOT NULL,
    version bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    CONSTRAINT users_customer_or_staff CHECK ((((customer_id IS NULL) <> (role IS NULL)) AND ((role IS NULL) OR (permissions = '{}'::text[])))),
    CONSTRAINT users_language_check CHECK ((language = ANY (ARRAY['en'::text, 'pt-BR'::text]))),
    CONSTRAINT users_name_check CHECK ((name <> ''::text)),
    CONSTRAINT users_permissions_check CHECK ((permissions <@ ARRAY['account'::text, 'services'::text, 'billing'::text, 'tickets'::text])),
    CONSTRAINT users_role_check CHECK ((role = ANY (ARRAY['support'::text, 'finance'::text, 'admin'::text]))),
    CONSTRAINT users_version_check CHECK ((version > 0))
);

CREATE TABLE accounts.watermarks (
    producer text NOT NULL,
    at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY accounts.attempts
    ADD CONSTRAINT attempts_pkey PRIMARY KEY (key);

ALTER TABLE ONLY accounts.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (id);

ALTER TABLE ONLY accounts.business_clock
    ADD CONSTRAINT business_clock_pkey PRIMARY KEY (single);

ALTER TABLE ONLY accounts.check_results
    ADD CONSTRAINT check_results_pkey PRIMARY KEY (name);

ALTER TABLE ONLY accounts.customers
    ADD CONSTRAINT customers_pkey PRIMARY KEY (id);

ALTER TABLE ONLY accounts.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (caller, method, route, key);

ALTER TABLE ONLY accounts.inbox
    ADD CONSTRAINT inbox_pkey PRIMARY KEY (consumer, event_id);

ALTER TABLE ONLY accounts.job_runs
    ADD CONSTRAINT job_runs_pkey PRIMARY KEY (job, due_at);

ALTER TABLE ONLY accounts.link_requests
    ADD CONSTRAINT link_requests_pkey PRIMARY KEY (id);

ALTER TABLE ONLY accounts.outbox
    ADD CONSTRAINT outbox_event_id_key UNIQUE (event_id);

ALTER TABLE ONLY accounts.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (seq);

ALTER TABLE ONLY accounts.readings
    ADD CONSTRAINT readings_pkey PRIMARY KEY (consumer, type);

ALTER TABLE ONLY accounts.refresh_tokens
    ADD CONSTRAINT refresh_tokens_pkey PRIMARY KEY (token_hash);

ALTER TABLE ONLY accounts.retries
    ADD CONSTRAINT retries_pkey PRIMARY KEY (consumer, event_id);

ALTER TABLE ONLY accounts.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (name);

ALTER TABLE ONLY accounts.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY accounts.users
    ADD CONSTRAINT users_email_key UNIQUE (email);

ALTER TABLE ONLY accounts.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);

ALTER TABLE ONLY accounts.watermarks
    ADD CONSTRAINT watermarks_pkey PRIMARY KEY (producer);

CREATE INDEX audit_log_customer_idx ON accounts.audit_log USING btree (customer_id, at);

CREATE INDEX audit_log_subject_idx ON accounts.audit_log USING btree (subject, at);

CREATE INDEX customers_search_idx ON accounts.customers USING gin (search);

CREATE INDEX idempotency_keys_created_idx ON accounts.idempotency_keys USING btree (created_at);

CREATE INDEX inbox_handled_idx ON accounts.inbox USING btree (handled_at);

CREATE INDEX job_runs_started_idx ON accounts.job_runs USING btree (started_at);

CREATE INDEX link_requests_expires_idx ON accounts.link_requests USING btree (expires_at);

CREATE INDEX link_requests_user_idx ON accounts.link_requests USING btree (user_id, purpose);

CREATE INDEX outbox_correlation_idx ON accounts.outbox USING btree (correlation_id);

CREATE INDEX outbox_published_idx ON accounts.outbox USING btree (published_at) WHERE (published_at IS NOT NULL);

CREATE UNIQUE INDEX outbox_version_key ON accounts.outbox USING btree (aggregate, subject, version) WHERE (NOT republished);

CREATE INDEX outbox_waiting_idx ON accounts.outbox USING btree (seq) WHERE (published_at IS NULL);

CREATE INDEX refresh_tokens_session_idx ON accounts.refresh_tokens USING btree (session_id);

CREATE UNIQUE INDEX refresh_tokens_unused_key ON accounts.refresh_tokens USING btree (session_id) WHERE (used_at IS NULL);

CREATE INDEX refresh_tokens_used_idx ON accounts.refresh_tokens USING btree (used_at) WHERE (used_at IS NOT NULL);

CREATE INDEX sessions_ended_idx ON accounts.sessions USING btree (ended_at) WHERE (ended_at IS NOT NULL);

CREATE INDEX sessions_expires_idx ON accounts.sessions USING btree (expires_at);

CREATE UNIQUE INDEX sessions_token_key ON accounts.sessions USING btree (token_hash) WHERE (token_hash IS NOT NULL);

CREATE INDEX sessions_user_idx ON accounts.sessions USING btree (user_id, id) WHERE (ended_at IS NULL);

CREATE INDEX users_customer_idx ON accounts.users USING btree (customer_id, id);

CREATE TRIGGER audit_log_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON accounts.audit_log FOR EACH STATEMENT EXECUTE FUNCTION accounts.refuse_change();

ALTER TABLE ONLY accounts.link_requests
    ADD CONSTRAINT link_requests_user_id_fkey FOREIGN KEY (user_id) REFERENCES accounts.users(id);

ALTER TABLE ONLY accounts.refresh_tokens
    ADD CONSTRAINT refresh_tokens_session_id_fkey FOREIGN KEY (session_id) REFERENCES accounts.sessions(id) ON DELETE CASCADE;

ALTER TABLE ONLY accounts.sessions
    ADD CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES accounts.users(id);

ALTER TABLE ONLY accounts.users
    ADD CONSTRAINT users_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES accounts.customers(id);
