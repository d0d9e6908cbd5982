CREATE SCHEMA notifier;

CREATE FUNCTION notifier.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TABLE notifier.audit_log (
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

CREATE TABLE notifier.business_clock (
    single boolean DEFAULT true NOT NULL,
    shift_seconds double precision DEFAULT 0 NOT NULL,
    version bigint DEFAULT 0 NOT NULL,
    CONSTRAINT business_clock_single_check CHECK (single)
);

CREATE TABLE notifier.check_results (
    name text NOT NULL,
    checked bigint NOT NULL,
    violations integer NOT NULL,
    ran_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE notifier.customers (
    id uuid NOT NULL,
    version bigint NOT NULL,
    time_zone text NOT NULL,
    contacts jsonb NOT NULL
);

CREATE TABLE notifier.idempotency_keys (
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

CREATE TABLE notifier.inbox (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    type text NOT NULL,
    handled_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE notifier.job_runs (
    job text NOT NULL,
    due_at timestamp with time zone NOT NULL,
    run_id uuid NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    error text
);

CREATE TABLE notifier.mails (
    id uuid NOT NULL,
    seq bigint NOT NULL,
    notification_id uuid NOT NULL,
    event_id uuid NOT NULL,
    template text NOT NULL,
    customer_id uuid,
    user_id uuid NOT NULL,
    name text NOT NULL,
    email text NOT NULL,
    language text NOT NULL,
    time_zone text NOT NULL,
    message_id text NOT NULL,
    thread_id text,
    status text NOT NULL,
    next_step_at timestamp with time zone,
    lease uuid,
    postponements integer DEFAULT 0 NOT NULL,
    lost_answers integer DEFAULT 0 NOT NULL,
    interruptions integer DEFAULT 0 NOT NULL,
    acceptances integer DEFAULT 0 NOT NULL,
    last_answer text,
    subject text,
    body_text text,
    body_html text,
    created_at timestamp with time zone NOT NULL,
    sent_at timestamp with time zone,
    CONSTRAINT mails_lease_check CHECK (((status = 'sending'::text) = (lease IS NOT NULL))),
    CONSTRAINT mails_next_step_check CHECK (
CASE
    WHEN (status = ANY (ARRAY['pending'::text, 'sending'::text])) THEN (next_step_at IS NOT NULL)
    WHEN (status = 'ambiguous'::text) THEN true
    ELSE (next_step_at IS NULL)
END),
    CONSTRAINT mails_sent_check CHECK ((((status = 'sent'::text) = (sent_at IS NOT NULL)) AND ((status <> 'sent'::text) OR ((acceptances > 0) AND (subject IS NOT NULL))))),
    CONSTRAINT mails_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'sending'::text, 'sent'::text, 'ambiguous'::text, 'failed'::text, 'dead'::text])))
);

ALTER TABLE notifier.mails ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME notifier.mails_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE notifier.news (
    id uuid NOT NULL,
    slug text NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    title jsonb NOT NULL,
    body jsonb NOT NULL,
    published_at timestamp with time zone NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL
);

CREATE TABLE notifier.notifications (
    id uuid NOT NULL,
    seq bigint NOT NULL,
    event_id uuid NOT NULL,
    template text NOT NULL,
    customer_id uuid,
    addressee jsonb,
    content jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    noted_at timestamp with time zone DEFAULT now() NOT NULL,
    addressed_at timestamp with time zone,
    correlation_id text,
    traceparent text,
    CONSTRAINT notifications_target_check CHECK (((customer_id IS NOT NULL) OR (addressee IS NOT NULL))),
    CONSTRAINT notifications_template_check CHECK ((template = ANY (ARRAY['email_verification'::text, 'password_reset'::text, 'invoice_issued'::text, 'invoice_voided'::text, 'payment_instructions'::text, 'payment_received'::text, 'credit_used'::text, 'credit_changed'::text, 'service_activated'::text, 'ticket_opened'::text, 'ticket_answered'::text, 'ticket_closed'::text])))
);

ALTER TABLE notifier.notifications ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME notifier.notifications_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE notifier.outbox (
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

ALTER TABLE notifier.outbox ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME notifier.outbox_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE notifier.readings (
    consumer text NOT NULL,
    type text NOT NULL,
    since timestamp with time zone
);

CREATE TABLE notifier.retries (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    producer text NOT NULL,
    emitted_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL
);

CREATE TABLE notifier.schema_migrations (
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE notifier.watermarks (
    producer text NOT NULL,
    at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY notifier.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (id);

ALTER TABLE ONLY notifier.business_clock
    ADD CONSTRAINT business_clock_pkey PRIMARY KEY (single);

ALTER TABLE ONLY notifier.check_results
    ADD CONSTRAINT check_results_pkey PRIMARY KEY (name);

ALTER TABLE ONLY notifier.customers
    ADD CONSTRAINT customers_pkey PRIMARY KEY (id);

ALTER TABLE ONLY notifier.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (caller, method, route, key);

ALTER TABLE ONLY notifier.inbox
    ADD CONSTRAINT inbox_pkey PRIMARY KEY (consumer, event_id);

ALTER TABLE ONLY notifier.job_runs
    ADD CONSTRAINT job_runs_pkey PRIMARY KEY (job, due_at);

ALTER TABLE ONLY notifier.mails
    ADD CONSTRAINT mails_event_recipient_template_key UNIQUE (event_id, email, template);

ALTER TABLE ONLY notifier.mails
    ADD CONSTRAINT mails_message_id_key UNIQUE (message_id);

ALTER TABLE ONLY notifier.mails
    ADD CONSTRAINT mails_pkey PRIMARY KEY (id);

ALTER TABLE ONLY notifier.news
    ADD CONSTRAINT news_pkey PRIMARY KEY (id);

ALTER TABLE ONLY notifier.news
    ADD CONSTRAINT news_slug_key UNIQUE (slug);

ALTER TABLE ONLY notifier.notifications
    ADD CONSTRAINT notifications_event_template_key UNIQUE (event_id, template);

ALTER TABLE ONLY notifier.notifications
    ADD CONSTRAINT notifications_pkey PRIMARY KEY (id);

ALTER TABLE ONLY notifier.outbox
    ADD CONSTRAINT outbox_event_id_key UNIQUE (event_id);

ALTER TABLE ONLY notifier.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (seq);

ALTER TABLE ONLY notifier.readings
    ADD CONSTRAINT readings_pkey PRIMARY KEY (consumer, type);

ALTER TABLE ONLY notifier.retries
    ADD CONSTRAINT retries_pkey PRIMARY KEY (consumer, event_id);

ALTER TABLE ONLY notifier.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (name);

ALTER TABLE ONLY notifier.watermarks
    ADD CONSTRAINT watermarks_pkey PRIMARY KEY (producer);

CREATE INDEX audit_log_customer_idx ON notifier.audit_log USING btree (customer_id, at);

CREATE INDEX audit_log_subject_idx ON notifier.audit_log USING btree (subject, at);

CREATE INDEX idempotency_keys_created_idx ON notifier.idempotency_keys USING btree (created_at);

CREATE INDEX inbox_handled_idx ON notifier.inbox USING btree (handled_at);

CREATE INDEX job_runs_started_idx ON notifier.job_runs USING btree (started_at);

CREATE INDEX mails_customer_idx ON notifier.mails USING btree (customer_id, created_at DESC, id DESC);

CREATE INDEX mails_due_idx ON notifier.mails USING btree (next_step_at, seq) WHERE (next_step_at IS NOT NULL);

CREATE INDEX mails_notification_idx ON notifier.mails USING btree (notification_id);

CREATE INDEX mails_recent_idx ON notifier.mails USING btree (created_at DESC, id DESC);

CREATE INDEX mails_status_idx ON notifier.mails USING btree (status, created_at DESC, id DESC);

CREATE INDEX mails_user_idx ON notifier.mails USING btree (user_id, created_at DESC, id DESC);

CREATE INDEX news_published_idx ON notifier.news USING btree (published_at DESC, slug DESC);

CREATE INDEX notifications_waiting_idx ON notifier.notifications USING btree (seq) WHERE (addressed_at IS NULL);

CREATE INDEX outbox_correlation_idx ON notifier.outbox USING btree (correlation_id);

CREATE INDEX outbox_published_idx ON notifier.outbox USING btree (published_at) WHERE (published_at IS NOT NULL);

CREATE UNIQUE INDEX outbox_version_key ON notifier.outbox USING btree (aggregate, subject, version) WHERE (NOT republished);

CREATE INDEX outbox_waiting_idx ON notifier.outbox USING btree (seq) WHERE (published_at IS NULL);

CREATE TRIGGER audit_log_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON notifier.audit_log FOR EACH STATEMENT EXECUTE FUNCTION notifier.refuse_change();

ALTER TABLE ONLY notifier.mails
    ADD CONSTRAINT mails_notification_id_fkey FOREIGN KEY (notification_id) REFERENCES notifier.notifications(id);
