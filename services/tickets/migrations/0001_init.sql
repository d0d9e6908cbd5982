-- Departments, tickets with their messages and files, and what is known here of the
-- customers, staff members, services and invoices that other processes own.

CREATE TABLE departments (
    slug text PRIMARY KEY CHECK (slug ~ '^[a-z][a-z0-9_-]{0,39}$'),
    name jsonb NOT NULL,
    position integer NOT NULL,
    low_minutes integer NOT NULL CHECK (low_minutes BETWEEN 1 AND 4320),
    medium_minutes integer NOT NULL CHECK (medium_minutes BETWEEN 1 AND 4320),
    high_minutes integer NOT NULL CHECK (high_minutes BETWEEN 1 AND 4320),
    urgent_minutes integer NOT NULL CHECK (urgent_minutes BETWEEN 1 AND 4320)
);

CREATE TABLE tickets (
    id uuid PRIMARY KEY,
    protocol text NOT NULL,
    customer_id uuid,
    requester_id uuid,
    -- An internal ticket is a task of the staff; customers never see it.
    internal boolean NOT NULL,
    staff_task_id uuid,
    department text NOT NULL REFERENCES departments (slug),
    subject text NOT NULL,
    status text NOT NULL
        CHECK (status IN ('open', 'answered', 'customer_reply', 'on_hold', 'closed')),
    priority text NOT NULL CHECK (priority IN ('low', 'medium', 'high', 'urgent')),
    invoice_id uuid,
    version bigint NOT NULL CHECK (version > 0),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    closed_at timestamptz,
    closed_by text CHECK (closed_by IN ('customer', 'staff', 'system')),
    cause_id text NOT NULL,
    CONSTRAINT tickets_protocol_key UNIQUE (protocol),
    CONSTRAINT tickets_protocol_check
        CHECK (protocol ~ '^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{2}$'),
    CONSTRAINT tickets_staff_task_key UNIQUE (staff_task_id),
    CONSTRAINT tickets_internal_check
        CHECK (internal OR (customer_id IS NOT NULL AND requester_id IS NOT NULL)),
    CONSTRAINT tickets_task_check CHECK (staff_task_id IS NULL OR internal),
    CONSTRAINT tickets_closed_check CHECK ((status = 'closed') = (closed_at IS NOT NULL)),
    CONSTRAINT tickets_closer_check
        CHECK ((closed_at IS NULL) = (closed_by IS NULL))
);

CREATE INDEX tickets_customer_idx ON tickets (customer_id, id DESC) WHERE NOT internal;
CREATE INDEX tickets_queue_idx ON tickets (department, id DESC) WHERE status <> 'closed';
CREATE INDEX tickets_invoice_idx ON tickets (invoice_id, id DESC)
    WHERE invoice_id IS NOT NULL;

-- A protocol may never be given twice, so its ticket is never deleted.
CREATE TRIGGER tickets_are_kept BEFORE DELETE OR TRUNCATE ON tickets
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE ticket_services (
    ticket_id uuid NOT NULL REFERENCES tickets (id),
    service_id uuid NOT NULL,
    position integer NOT NULL,
    PRIMARY KEY (ticket_id, service_id)
);

CREATE INDEX ticket_services_service_idx ON ticket_services (service_id);

CREATE TABLE messages (
    id uuid PRIMARY KEY,
    ticket_id uuid NOT NULL REFERENCES tickets (id),
    position integer NOT NULL,
    kind text NOT NULL CHECK (kind IN ('public', 'note')),
    author_kind text NOT NULL CHECK (author_kind IN ('customer', 'staff', 'system')),
    author_id uuid,
    author_name text NOT NULL,
    text text NOT NULL,
    at timestamptz NOT NULL,
    cause_id text NOT NULL,
    CONSTRAINT messages_position_key UNIQUE (ticket_id, position),
    -- A ticket is read whole, so its length has a limit; the system may always add.
    CONSTRAINT messages_limit_check
        CHECK (position BETWEEN 1 AND 500 OR author_kind = 'system'),
    CONSTRAINT messages_author_check
        CHECK ((author_kind = 'system') = (author_id IS NULL)),
    CONSTRAINT messages_note_check CHECK (kind = 'public' OR author_kind <> 'customer')
);

-- One event makes the system speak once in a ticket.
CREATE UNIQUE INDEX messages_system_cause_key ON messages (ticket_id, cause_id)
    WHERE author_kind = 'system';

CREATE TABLE attachments (
    id uuid PRIMARY KEY,
    -- Nobody's while a staff member's upload waits to be sent.
    customer_id uuid,
    uploader_kind text NOT NULL CHECK (uploader_kind IN ('customer', 'staff')),
    uploader_id uuid NOT NULL,
    state text NOT NULL CHECK (state IN ('receiving', 'stored', 'discarded')),
    name text NOT NULL,
    media_type text NOT NULL,
    size bigint NOT NULL CHECK (size > 0),
    sha256 text NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    uploaded_at timestamptz NOT NULL,
    message_id uuid REFERENCES messages (id),
    position integer,
    cause_id text NOT NULL,
    CONSTRAINT attachments_sent_check CHECK (
        message_id IS NULL
        OR (state = 'stored' AND position IS NOT NULL AND customer_id IS NOT NULL)
    )
);

CREATE INDEX attachments_message_idx ON attachments (message_id, position)
    WHERE message_id IS NOT NULL;
CREATE INDEX attachments_unsent_idx ON attachments (uploaded_at)
    WHERE message_id IS NULL;

-- Projections: refreshed by events alone; a version never goes back.

CREATE TABLE customers (
    id uuid PRIMARY KEY,
    version bigint NOT NULL,
    name text NOT NULL,
    language text NOT NULL,
    -- User id → name, of the people who may act for the customer.
    contacts jsonb NOT NULL
);

CREATE TABLE staff_members (
    id uuid PRIMARY KEY,
    version bigint NOT NULL,
    name text NOT NULL
);

CREATE TABLE services (
    id uuid PRIMARY KEY,
    version bigint NOT NULL,
    customer_id uuid NOT NULL
);

CREATE TABLE invoices (
    id uuid PRIMARY KEY,
    version bigint NOT NULL,
    customer_id uuid NOT NULL
);
