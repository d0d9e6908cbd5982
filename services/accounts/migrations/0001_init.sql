-- Who contracts, who may act for them, who works here, and their sessions.

-- The contracting party; people act for it.
CREATE TABLE customers (
    id uuid PRIMARY KEY,
    name text NOT NULL CHECK (name <> ''),
    company text CHECK (company <> ''),
    tax_id text CHECK (tax_id <> ''),
    country text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    language text NOT NULL CHECK (language IN ('en', 'pt-BR')),
    time_zone text NOT NULL,
    phone text CHECK (phone <> ''),
    address jsonb,
    -- The words by which staff find the customer: names, e-mails, documents.
    search tsvector NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX customers_search_idx ON customers USING gin (search);

-- A person who signs in: for exactly one customer, or as staff with a role.
CREATE TABLE users (
    id uuid PRIMARY KEY,
    customer_id uuid REFERENCES customers,
    role text CHECK (role IN ('support', 'finance', 'admin')),
    permissions text[] NOT NULL CHECK (
        permissions <@ ARRAY['account', 'services', 'billing', 'tickets']
    ),
    name text NOT NULL CHECK (name <> ''),
    email citext NOT NULL CONSTRAINT users_email_key UNIQUE,
    -- When the present e-mail was proved; a new e-mail starts unproved.
    email_verified_at timestamptz,
    password_hash text NOT NULL,
    password_changed_at timestamptz NOT NULL,
    language text NOT NULL CHECK (language IN ('en', 'pt-BR')),
    active boolean NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT users_customer_or_staff CHECK (
        (customer_id IS NULL) <> (role IS NULL)
        AND (role IS NULL OR permissions = '{}')
    )
);
CREATE INDEX users_customer_idx ON users (customer_id, id);

-- A signed-in device. A session that has ended is kept for a while and never revived.
CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users,
    device text,
    address text,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at timestamptz,
    end_reason text CHECK (end_reason IN (
        'logged_out', 'ended_by_user', 'password_changed', 'password_reset',
        'token_reused'
    )),
    CONSTRAINT sessions_end_has_reason CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);
CREATE INDEX sessions_user_idx ON sessions (user_id, id) WHERE ended_at IS NULL;
CREATE INDEX sessions_expires_idx ON sessions (expires_at);
CREATE INDEX sessions_ended_idx ON sessions (ended_at) WHERE ended_at IS NOT NULL;

-- Refresh tokens by their hash; all tokens of a session are one family.
CREATE TABLE refresh_tokens (
    token_hash bytea PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES sessions ON DELETE CASCADE,
    issued_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX refresh_tokens_session_idx ON refresh_tokens (session_id);
CREATE UNIQUE INDEX refresh_tokens_unused_key
    ON refresh_tokens (session_id) WHERE used_at IS NULL;
CREATE INDEX refresh_tokens_used_idx
    ON refresh_tokens (used_at) WHERE used_at IS NOT NULL;

-- Requests that a mailed link answers; its token is derived from the id.
CREATE TABLE link_requests (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users,
    purpose text NOT NULL CHECK (purpose IN ('verify_email', 'reset_password')),
    -- The address that the link was mailed to, and so the one it proves.
    email citext NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX link_requests_user_idx ON link_requests (user_id, purpose);
CREATE INDEX link_requests_expires_idx ON link_requests (expires_at);

-- What is limited by time: when each key's recent attempts were. Losing these in a
-- crash of the server only forgets some attempts, so they need no log.
CREATE UNLOGGED TABLE attempts (
    key text PRIMARY KEY,
    made_at timestamptz[] NOT NULL,
    forget_at timestamptz NOT NULL
) WITH (fillfactor = 50);
