CREATE SCHEMA tickets;

CREATE FUNCTION tickets.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TABLE tickets.attachments (
    id uuid NOT NULL,
    customer_id uuid,
    uploader_kind text NOT NULL,
    uploader_id uuid NOT NULL,
    state text NOT NULL,
    name text NOT NULL,
    media_type text NOT NULL,
    size bigint NOT NULL,
    sha256 text NOT NULL,
    uploaded_at timestamp with time zone NOT NULL,
    message_id uuid,
    "position" integer,
    cause_id text NOT NULL,
    CONSTRAINT attachments_sent_check CHECK (((message_id IS NULL) OR ((state = 'stored'::text) AND ("position" IS NOT NULL) AND (customer_id IS NOT NULL)))),
    CONSTRAINT attachments_sha256_check CHECK ((sha256 ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT attachments_size_check CHECK ((size > 0)),
    CONSTRAINT attachments_state_check CHECK ((state = ANY (ARRAY['receiving'::text, 'stored'::text, 'discarded'::text]))),
    CONSTRAINT attachments_uploader_kind_check CHECK ((uploader_kind = ANY (ARRAY['customer'::text, 'staff'::text])))
);

CREATE TABLE tickets.audit_log (
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

CREATE TABLE tickets.business_clock (
    single boolean DEFAULT true NOT NULL,
    shift_seconds double precision DEFAULT 0 NOT NULL,
    version bigint DEFAULT 0 NOT NULL,
    CONSTRAINT business_clock_single_check CHECK (single)
);

CREATE TABLE tickets.check_results (
    name text NOT NULL,
    checked bigint NOT NULL,
    violations integer NOT NULL,
    ran_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE tickets.customers (
    id uuid NOT NULL,
    version bigint NOT NULL,
    name text NOT NULL,
    language text NOT NULL,
    contacts jsonb NOT NULL
);

CREATE TABLE tickets.departments (
    slug text NOT NULL,
    name jsonb NOT NULL,
    "position" integer NOT NULL,
    low_minutes integer NOT NULL,
    medium_minutes integer NOT NULL,
    high_minutes integer NOT NULL,
    urgent_minutes integer NOT NULL,
    CONSTRAINT departments_high_minutes_check CHECK (((high_minutes >= 1) AND (high_minutes <= 4320))),
    CONSTRAINT departments_low_minutes_check CHECK (((low_minutes >= 1) AND (low_minutes <= 4320))),
    CONSTRAINT departments_medium_minutes_check CHECK (((medium_minutes >= 1) AND (medium_minutes <= 4320))),
    CONSTRAINT departments_slug_check CHECK ((slug ~ '^[a-z][a-z0-9_-]{0,39}$'::text)),
    CONSTRAINT departments_urgent_minutes_check CHECK (((urgent_minutes >= 1) AND (urgent_minutes <= 4320)))
);

CREATE TABLE tickets.idempotency_keys (
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

CREATE TABLE tickets.inbox (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    type text NOT NULL,
    handled_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE tickets.invoices (
    id uuid NOT NULL,
    version bigint NOT NULL,
    customer_id uuid NOT NULL
);

CREATE TABLE tickets.job_runs (
    job text NOT NULL,
    due_at timestamp with time zone NOT NULL,
    run_id uuid NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    error text
);

CREATE TABLE tickets.messages (
    id uuid NOT NULL,
    ticket_id uuid NOT NULL,
    "position" integer NOT NULL,
    kind text NOT NULL,
    author_kind text NOT NULL,
    author_id uuid,
    author_name text NOT NULL,
    text text NOT NULL,
    at timestamp with time zone NOT NULL,
    cause_id text NOT NULL,
    CONSTRAINT messages_author_check CHECK (((author_kind = 'system'::text) = (author_id IS NULL))),
    CONSTRAINT messages_author_kind_check CHECK ((author_kind = ANY (ARRAY['customer'::text, 'staff'::text, 'system'::text]))),
    CONSTRAINT messages_kind_check CHECK ((kind = ANY (ARRAY['public'::text, 'note'::text]))),
    CONSTRAINT messages_limit_check CHECK (((("position" >= 1) AND ("position" <= 500)) OR (author_kind = 'system'::text))),
    CONSTRAINT messages_note_check CHECK (((kind = 'public'::text) OR (author_kind <> 'customer'::text)))
);

CREATE TABLE tickets.outbox (
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

ALTER TABLE tickets.outbox ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME tickets.outbox_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE tickets.readings (
    consumer text NOT NULL,
    type text NOT NULL,
    since timestamp with time zone
);

CREATE TABLE tickets.retries (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    producer text NOT NULL,
    emitted_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL
);

CREATE TABLE tickets.schema_migrations (
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE tickets.services (
    id uuid NOT NULL,
    version bigint NOT NULL,
    customer_id uuid NOT NULL
);

CREATE TABLE tickets.staff_members (
    id uuid NOT NULL,
    version bigint NOT NULL,
    name text NOT NULL
);

CREATE TABLE tickets.ticket_services (
    ticket_id uuid NOT NULL,
    service_id uuid NOT NULL,
    "position" integer NOT NULL
);

CREATE TABLE tickets.tickets (
    id uuid NOT NULL,
    protocol text NOT NULL,
    customer_id uuid,
    requester_id uuid,
    internal boolean NOT NULL,
    staff_task_id uuid,
    department text NOT NULL,
    subject text NOT NULL,
    status text NOT NULL,
    priority text NOT NULL,
    invoice_id uuid,
    version bigint NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    closed_at timestamp with time zone,
    closed_by text,
    cause_id text NOT NULL,
    waiting_since timestamp with time zone,
    CONSTRAINT tickets_closed_by_check CHECK ((closed_by = ANY (ARRAY['customer'::text, 'staff'::text, 'system'::text]))),
    CONSTRAINT tickets_closed_check CHECK (((status = 'closed'::text) = (closed_at IS NOT NULL))),
    CONSTRAINT tickets_closer_check CHECK (((closed_at IS NULL) = (closed_by IS NULL))),
    CONSTRAINT tickets_internal_check CHECK ((internal OR ((customer_id IS NOT NULL) AND (requester_id IS NOT NULL)))),
    CONSTRAINT tickets_priority_check CHECK ((priority = ANY (ARRAY['low'::text, 'medium'::text, 'high'::text, 'urgent'::text]))),
    CONSTRAINT tickets_protocol_check CHECK ((protocol ~ '^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{2}$'::text)),
    CONSTRAINT tickets_status_check CHECK ((status = ANY (ARRAY['open'::text, 'answered'::text, 'customer_reply'::text, 'on_hold'::text, 'closed'::text]))),
    CONSTRAINT tickets_task_check CHECK (((staff_task_id IS NULL) OR internal)),
    CONSTRAINT tickets_version_check CHECK ((version > 0))
);

CREATE TABLE tickets.watermarks (
    producer text NOT NULL,
    at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY tickets.attachments
    ADD CONSTRAINT attachments_pkey PRIMARY KEY (id);

ALTER TABLE ONLY tickets.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (id);

ALTER TABLE ONLY tickets.business_clock
    ADD CONSTRAINT business_clock_pkey PRIMARY KEY (single);

ALTER TABLE ONLY tickets.check_results
    ADD CONSTRAINT check_results_pkey PRIMARY KEY (name);

ALTER TABLE ONLY tickets.customers
    ADD CONSTRAINT customers_pkey PRIMARY KEY (id);

ALTER TABLE ONLY tickets.departments
    ADD CONSTRAINT departments_pkey PRIMARY KEY (slug);

ALTER TABLE ONLY tickets.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (caller, method, route, key);

ALTER TABLE ONLY tickets.inbox
    ADD CONSTRAINT inbox_pkey PRIMARY KEY (consumer, event_id);

ALTER TABLE ONLY tickets.invoices
    ADD CONSTRAINT invoices_pkey PRIMARY KEY (id);

ALTER TABLE ONLY tickets.job_runs
    ADD CONSTRAINT job_runs_pkey PRIMARY KEY (job, due_at);

ALTER TABLE ONLY tickets.messages
    ADD CONSTRAINT messages_pkey PRIMARY KEY (id);

ALTER TABLE ONLY tickets.messages
    ADD CONSTRAINT messages_position_key UNIQUE (ticket_id, "position");

ALTER TABLE ONLY tickets.outbox
    ADD CONSTRAINT outbox_event_id_key UNIQUE (event_id);

ALTER TABLE ONLY tickets.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (seq);

ALTER TABLE ONLY tickets.readings
    ADD CONSTRAINT readings_pkey PRIMARY KEY (consumer, type);

ALTER TABLE ONLY tickets.retries
    ADD CONSTRAINT retries_pkey PRIMARY KEY (consumer, event_id);

ALTER TABLE ONLY tickets.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (name);

ALTER TABLE ONLY tickets.services
    ADD CONSTRAINT services_pkey PRIMARY KEY (id);

ALTER TABLE ONLY tickets.staff_members
    ADD CONSTRAINT staff_members_pkey PRIMARY KEY (id);

ALTER TABLE ONLY tickets.ticket_services
    ADD CONSTRAINT ticket_services_pkey PRIMARY KEY (ticket_id, service_id);

ALTER TABLE ONLY tickets.tickets
    ADD CONSTRAINT tickets_pkey PRIMARY KEY (id);

ALTER TABLE ONLY tickets.tickets
    ADD CONSTRAINT tickets_protocol_key UNIQUE (protocol);

ALTER TABLE ONLY tickets.tickets
    ADD CONSTRAINT tickets_staff_task_key UNIQUE (staff_task_id);

ALTER TABLE ONLY tickets.watermarks
    ADD CONSTRAINT watermarks_pkey PRIMARY KEY (producer);

CREATE INDEX attachments_message_idx ON tickets.attachments USING btree (message_id, "position") WHERE (message_id IS NOT NULL);

CREATE INDEX attachments_unsent_idx ON tickets.attachments USING btree (uploaded_at) WHERE (message_id IS NULL);

CREATE INDEX audit_log_customer_idx ON tickets.audit_log USING btree (customer_id, at);

CREATE INDEX audit_log_subject_idx ON tickets.audit_log USING btree (subject, at);

CREATE INDEX idempotency_keys_created_idx ON tickets.idempotency_keys USING btree (created_at);

CREATE INDEX inbox_handled_idx ON tickets.inbox USING btree (handled_at);

CREATE INDEX job_runs_started_idx ON tickets.job_runs USING btree (started_at);

CREATE UNIQUE INDEX messages_system_cause_key ON tickets.messages USING btree (ticket_id, cause_id) WHERE (author_kind = 'system'::text);

CREATE INDEX outbox_correlation_idx ON tickets.outbox USING btree (correlation_id);

CREATE INDEX outbox_published_idx ON tickets.outbox USING btree (published_at) WHERE (published_at IS NOT NULL);

CREATE UNIQUE INDEX outbox_version_key ON tickets.outbox USING btree (aggregate, subject, version) WHERE (NOT republished);

CREATE INDEX outbox_waiting_idx ON tickets.outbox USING btree (seq) WHERE (published_at IS NULL);

CREATE INDEX ticket_services_service_idx ON tickets.ticket_services USING btree (service_id);

CREATE INDEX tickets_customer_idx ON tickets.tickets USING btree (customer_id, id DESC) WHERE (NOT internal);

CREATE INDEX tickets_invoice_idx ON tickets.tickets USING btree (invoice_id, id DESC) WHERE (invoice_id IS NOT NULL);

CREATE INDEX tickets_queue_idx ON tickets.tickets USING btree (department, id DESC) WHERE (status <> 'closed'::text);

CREATE INDEX tickets_to_answer_idx ON tickets.tickets USING btree (waiting_since) WHERE ((status = ANY (ARRAY['open'::text, 'customer_reply'::text])) AND (NOT internal));

CREATE TRIGGER audit_log_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON tickets.audit_log FOR EACH STATEMENT EXECUTE FUNCTION tickets.refuse_change();

CREATE TRIGGER tickets_are_kept BEFORE DELETE OR TRUNCATE ON tickets.tickets FOR EACH STATEMENT EXECUTE FUNCTION tickets.refuse_change();

ALTER TABLE ONLY tickets.attachments
    ADD CONSTRAINT attachments_message_id_fkey FOREIGN KEY (message_id) REFERENCES tickets.messages(id);

ALTER TABLE ONLY tickets.messages
    ADD CONSTRAINT messages_ticket_id_fkey FOREIGN KEY (ticket_id) REFERENCES tickets.tickets(id);

ALTER TABLE ONLY tickets.ticket_services
    ADD CONSTRAINT ticket_services_ticket_id_fkey FOREIGN KEY (ticket_id) REFERENCES tickets.tickets(id);

ALTER TABLE ONLY tickets.tickets
    ADD CONSTRAINT tickets_department_fkey FOREIGN KEY (department) REFERENCES tickets.departments(slug);
