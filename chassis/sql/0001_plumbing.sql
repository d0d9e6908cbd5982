-- Tables that every process needs, made before its own. Forward-only, like all
-- migrations; SQL names no schema, because search_path is the process's own.

-- Events to publish; a row rides the transaction that caused it.
CREATE TABLE outbox (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id uuid NOT NULL UNIQUE,
    type text NOT NULL,
    aggregate text NOT NULL,
    subject uuid NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    republished boolean NOT NULL,
    correlation_id text NOT NULL,
    causation_id text NOT NULL,
    actor text NOT NULL,
    body text NOT NULL,
    emitted_at timestamptz NOT NULL,
    retry_at timestamptz,
    published_at timestamptz
);
CREATE UNIQUE INDEX outbox_version_key
    ON outbox (aggregate, subject, version) WHERE NOT republished;
CREATE INDEX outbox_waiting_idx ON outbox (seq) WHERE published_at IS NULL;
CREATE INDEX outbox_published_idx
    ON outbox (published_at) WHERE published_at IS NOT NULL;
CREATE INDEX outbox_correlation_idx ON outbox (correlation_id);

-- Events whose effects are committed; written in the same transaction as those.
CREATE TABLE inbox (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    type text NOT NULL,
    handled_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, event_id)
);
CREATE INDEX inbox_handled_idx ON inbox (handled_at);

-- Up to which instant each producer's events have all arrived here.
CREATE TABLE watermarks (
    producer text PRIMARY KEY,
    at timestamptz NOT NULL
);

-- One answer per (caller, method, route, key), kept for repeats of the request.
CREATE TABLE idempotency_keys (
    caller text NOT NULL,
    method text NOT NULL,
    route text NOT NULL,
    key text NOT NULL,
    request_hash bytea NOT NULL,
    leased_until timestamptz NOT NULL,
    status smallint,
    body text,
    created_at timestamptz NOT NULL DEFAULT now(),
    completed_at timestamptz,
    PRIMARY KEY (caller, method, route, key)
);
CREATE INDEX idempotency_keys_created_idx ON idempotency_keys (created_at);

-- One row per due slot of a job: whoever inserts it runs the job.
CREATE TABLE job_runs (
    job text NOT NULL,
    due_at timestamptz NOT NULL,
    run_id uuid NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    error text,
    PRIMARY KEY (job, due_at)
);
CREATE INDEX job_runs_started_idx ON job_runs (started_at);

-- The sandbox's business time, as a shift from real time.
CREATE TABLE business_clock (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    shift_seconds double precision NOT NULL DEFAULT 0,
    version bigint NOT NULL DEFAULT 0
);
INSERT INTO business_clock DEFAULT VALUES;

-- A trigger function for tables that may only grow.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;

-- Who did what, when, from where.
CREATE TABLE audit_log (
    id uuid PRIMARY KEY,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    subject uuid NOT NULL,
    customer_id uuid,
    details jsonb NOT NULL,
    address text,
    cause_id text NOT NULL,
    correlation_id text NOT NULL
);
CREATE INDEX audit_log_subject_idx ON audit_log (subject, at);
CREATE INDEX audit_log_customer_idx ON audit_log (customer_id, at);
CREATE TRIGGER audit_log_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
