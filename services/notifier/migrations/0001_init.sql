-- Notifier's tables. created_at and published_at are business instants, which is what
-- people are shown; the other instants go by real time.

-- Customers as accounts tells of them: whom to write to, and by which clock.
CREATE TABLE customers (
    id uuid PRIMARY KEY,
    version bigint NOT NULL,
    time_zone text NOT NULL,
    contacts jsonb NOT NULL
);

-- What people should be told because of one event. It waits here until its customer is
-- known, then becomes one mail for each recipient.
CREATE TABLE notifications (
    id uuid PRIMARY KEY,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    event_id uuid NOT NULL,
    template text NOT NULL CONSTRAINT notifications_template_check CHECK (template IN (
        'email_verification', 'password_reset', 'invoice_issued', 'invoice_voided',
        'payment_instructions', 'payment_received', 'credit_used', 'credit_changed',
        'service_activated', 'ticket_opened', 'ticket_answered', 'ticket_closed'
    )),
    customer_id uuid,
    -- The person a link was asked for; everybody else is found among the contacts.
    addressee jsonb,
    content jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    noted_at timestamptz NOT NULL DEFAULT now(),
    addressed_at timestamptz,
    CONSTRAINT notifications_event_template_key UNIQUE (event_id, template),
    CONSTRAINT notifications_target_check
        CHECK (customer_id IS NOT NULL OR addressee IS NOT NULL)
);
CREATE INDEX notifications_waiting_idx ON notifications (seq) WHERE addressed_at IS NULL;

CREATE TABLE mails (
    id uuid PRIMARY KEY,
    -- The order in which a recipient is told.
    seq bigint GENERATED ALWAYS AS IDENTITY,
    notification_id uuid NOT NULL REFERENCES notifications,
    event_id uuid NOT NULL,
    template text NOT NULL,
    customer_id uuid,
    user_id uuid NOT NULL,
    name text NOT NULL,
    email text NOT NULL,
    language text NOT NULL,
    time_zone text NOT NULL,
    message_id text NOT NULL CONSTRAINT mails_message_id_key UNIQUE,
    thread_id text,
    status text NOT NULL CONSTRAINT mails_status_check CHECK (status IN (
        'pending', 'sending', 'sent', 'ambiguous', 'failed', 'dead'
    )),
    -- When the next try is due; while sending, when the lease ends; NULL: nothing is.
    next_step_at timestamptz,
    lease uuid,
    postponements integer NOT NULL DEFAULT 0,
    lost_answers integer NOT NULL DEFAULT 0,
    interruptions integer NOT NULL DEFAULT 0,
    acceptances integer NOT NULL DEFAULT 0,
    last_answer text,
    -- What was written, with the secrets of its links masked.
    subject text,
    body_text text,
    body_html text,
    created_at timestamptz NOT NULL,
    sent_at timestamptz,
    CONSTRAINT mails_event_recipient_template_key UNIQUE (event_id, email, template),
    CONSTRAINT mails_lease_check CHECK ((status = 'sending') = (lease IS NOT NULL)),
    CONSTRAINT mails_next_step_check CHECK (
        CASE WHEN status IN ('pending', 'sending') THEN next_step_at IS NOT NULL
             WHEN status = 'ambiguous' THEN true
             ELSE next_step_at IS NULL END
    ),
    CONSTRAINT mails_sent_check CHECK (
        (status = 'sent') = (sent_at IS NOT NULL)
        AND (status <> 'sent' OR (acceptances > 0 AND subject IS NOT NULL))
    )
);
CREATE INDEX mails_due_idx ON mails (next_step_at, seq) WHERE next_step_at IS NOT NULL;
CREATE INDEX mails_user_idx ON mails (user_id, created_at DESC, id DESC);
CREATE INDEX mails_recent_idx ON mails (created_at DESC, id DESC);
CREATE INDEX mails_status_idx ON mails (status, created_at DESC, id DESC);
CREATE INDEX mails_customer_idx ON mails (customer_id, created_at DESC, id DESC);
CREATE INDEX mails_notification_idx ON mails (notification_id);

CREATE TABLE news (
    id uuid PRIMARY KEY,
    slug text NOT NULL CONSTRAINT news_slug_key UNIQUE,
    version bigint NOT NULL DEFAULT 1,
    title jsonb NOT NULL,
    body jsonb NOT NULL,
    published_at timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX news_published_idx ON news (published_at DESC, slug DESC);
