-- Billing's tables. Money is in minor units; *_on are business dates, *_at instants.

-- Customers as accounts tells of them. A row with version 0 is one we have only heard of
-- by token: it exists to be locked, and its details are still travelling.
CREATE TABLE customers (
    id uuid PRIMARY KEY,
    version bigint NOT NULL DEFAULT 0,
    name text,
    company text,
    tax_id text,
    country text,
    currency text,
    language text NOT NULL DEFAULT 'en',
    time_zone text,
    email text,
    phone text,
    address jsonb
);

-- Tickets as tickets tells of them: an open finance ticket keeps credit
-- and cancellation off its invoice.
CREATE TABLE tickets (
    id uuid PRIMARY KEY,
    version bigint NOT NULL,
    customer_id uuid,
    department text NOT NULL,
    status text NOT NULL,
    invoice_id uuid
);
CREATE INDEX tickets_invoice_idx ON tickets (invoice_id) WHERE invoice_id IS NOT NULL;

-- Catalogue -----------------------------------------------------------------------
CREATE TABLE products (
    id uuid PRIMARY KEY,
    slug text NOT NULL CONSTRAINT products_slug_key UNIQUE,
    name text NOT NULL,
    group_name text NOT NULL,
    description text NOT NULL,
    position integer NOT NULL DEFAULT 0,
    archived_at timestamptz,
    version bigint NOT NULL DEFAULT 1
);

CREATE TABLE prices (
    product_id uuid NOT NULL REFERENCES products,
    currency text NOT NULL,
    period text NOT NULL CONSTRAINT prices_period_check CHECK (period IN (
        'one_time', 'monthly', 'quarterly', 'semiannual', 'annual', 'biennial', 'triennial'
    )),
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
    setup_fee_minor bigint NOT NULL DEFAULT 0 CHECK (setup_fee_minor >= 0),
    PRIMARY KEY (product_id, currency, period)
);

-- Orders and services -------------------------------------------------------------
CREATE SEQUENCE order_numbers START 1001;

CREATE TABLE orders (
    id uuid PRIMARY KEY,
    number bigint NOT NULL DEFAULT nextval('order_numbers')
        CONSTRAINT orders_number_key UNIQUE,
    customer_id uuid NOT NULL REFERENCES customers,
    status text NOT NULL CONSTRAINT orders_status_check
        CHECK (status IN ('pending', 'active', 'cancelled')),
    currency text NOT NULL,
    total_minor bigint NOT NULL CHECK (total_minor >= 0),
    placed_on date NOT NULL,
    expires_on date NOT NULL,
    created_at timestamptz NOT NULL,
    version bigint NOT NULL,
    cause_id text NOT NULL
);
CREATE INDEX orders_customer_idx ON orders (customer_id, created_at DESC, id DESC);
CREATE INDEX orders_expiry_idx ON orders (expires_on) WHERE status = 'pending';

CREATE TABLE services (
    id uuid PRIMARY KEY,
    customer_id uuid NOT NULL REFERENCES customers,
    order_id uuid NOT NULL REFERENCES orders,
    product_id uuid NOT NULL REFERENCES products,
    product_slug text NOT NULL,
    product_name text NOT NULL,
    label text NOT NULL,
    status text NOT NULL CONSTRAINT services_status_check CHECK (status IN (
        'pending', 'active', 'suspended', 'terminated', 'cancelled'
    )),
    period text NOT NULL,
    currency text NOT NULL,
    recurring_minor bigint NOT NULL CHECK (recurring_minor >= 0),
    anchor_day smallint CHECK (anchor_day BETWEEN 1 AND 31),
    activated_on date,
    paid_until date,
    next_due_on date,
    cancel_on date,
    reason text,
    created_at timestamptz NOT NULL,
    version bigint NOT NULL,
    cause_id text NOT NULL
);
CREATE INDEX services_customer_idx ON services (customer_id, created_at DESC, id DESC);
CREATE INDEX services_order_idx ON services (order_id);
CREATE INDEX services_due_idx ON services (next_due_on, customer_id)
    WHERE status IN ('active', 'suspended') AND next_due_on IS NOT NULL;

-- Invoices ------------------------------------------------------------------------
-- The last number given in each series; locked last and shortest.
CREATE TABLE number_series (
    series text NOT NULL,
    year integer NOT NULL,
    last_number bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (series, year)
);

CREATE TABLE invoices (
    id uuid PRIMARY KEY,
    customer_id uuid NOT NULL REFERENCES customers,
    order_id uuid REFERENCES orders,
    kind text NOT NULL CONSTRAINT invoices_kind_check CHECK (kind IN ('service', 'top_up')),
    status text NOT NULL CONSTRAINT invoices_status_check
        CHECK (status IN ('draft', 'open', 'paid', 'void', 'uncollectible')),
    number text CONSTRAINT invoices_number_key UNIQUE,
    currency text NOT NULL,
    subtotal_minor bigint NOT NULL,
    tax_minor bigint NOT NULL DEFAULT 0,
    total_minor bigint NOT NULL CHECK (total_minor >= 0),
    allocated_minor bigint NOT NULL DEFAULT 0,
    issued_on date,
    due_on date NOT NULL,
    paid_on date,
    -- Frozen at issue: name, company, tax_id, address, country, email, language.
    buyer jsonb,
    seller jsonb,
    created_at timestamptz NOT NULL,
    version bigint NOT NULL,
    cause_id text NOT NULL,
    CONSTRAINT invoices_total_check CHECK (total_minor = subtotal_minor + tax_minor),
    CONSTRAINT invoices_allocated_check CHECK (allocated_minor BETWEEN 0 AND total_minor),
    CONSTRAINT invoices_paid_check
        CHECK ((status = 'paid') = (allocated_minor = total_minor AND status <> 'void'
               AND status <> 'draft' AND status <> 'uncollectible')),
    CONSTRAINT invoices_issued_check
        CHECK (status = 'draft' OR status = 'void' OR number IS NOT NULL)
);
CREATE INDEX invoices_customer_idx ON invoices (customer_id, created_at DESC, id DESC);
CREATE INDEX invoices_open_idx ON invoices (due_on, id) WHERE status = 'open';
CREATE INDEX invoices_drafts_idx ON invoices (customer_id) WHERE status = 'draft';
CREATE INDEX invoices_order_idx ON invoices (order_id) WHERE order_id IS NOT NULL;

CREATE TABLE invoice_lines (
    id uuid PRIMARY KEY,
    invoice_id uuid NOT NULL REFERENCES invoices,
    position integer NOT NULL,
    kind text NOT NULL CONSTRAINT invoice_lines_kind_check
        CHECK (kind IN ('first', 'renewal', 'setup', 'top_up')),
    service_id uuid REFERENCES services,
    description text NOT NULL,
    quantity integer NOT NULL DEFAULT 1 CHECK (quantity > 0),
    unit_minor bigint NOT NULL,
    subtotal_minor bigint NOT NULL,
    tax_rate_bp integer NOT NULL DEFAULT 0,
    tax_minor bigint NOT NULL DEFAULT 0,
    total_minor bigint NOT NULL,
    CONSTRAINT invoice_lines_position_key UNIQUE (invoice_id, position),
    CONSTRAINT invoice_lines_total_check CHECK (total_minor = subtotal_minor + tax_minor)
);
CREATE INDEX invoice_lines_service_idx ON invoice_lines (service_id);

-- A period of a service is invoiced once. Void releases (deletes) the row.
CREATE TABLE service_periods (
    service_id uuid NOT NULL REFERENCES services,
    starts_on date NOT NULL,
    ends_on date NOT NULL,
    line_id uuid NOT NULL CONSTRAINT service_periods_line_key UNIQUE
        REFERENCES invoice_lines,
    cause_id text NOT NULL,
    CONSTRAINT service_periods_pkey PRIMARY KEY (service_id, starts_on),
    CONSTRAINT service_periods_end_key UNIQUE (service_id, ends_on),
    CONSTRAINT service_periods_order_check CHECK (starts_on < ends_on)
);

-- Ledger --------------------------------------------------------------------------
CREATE TABLE ledger_accounts (
    id uuid PRIMARY KEY,
    kind text NOT NULL CONSTRAINT ledger_accounts_kind_check CHECK (kind IN (
        'receivable', 'customer_credit', 'revenue', 'tax_payable', 'bank', 'clearing'
    )),
    customer_id uuid REFERENCES customers,
    currency text NOT NULL,
    CONSTRAINT ledger_accounts_key UNIQUE NULLS NOT DISTINCT (kind, customer_id, currency),
    CONSTRAINT ledger_accounts_customer_check
        CHECK ((customer_id IS NOT NULL) = (kind IN ('receivable', 'customer_credit')))
);

CREATE TABLE journal_entries (
    id uuid PRIMARY KEY,
    kind text NOT NULL CONSTRAINT journal_entries_kind_check CHECK (kind IN (
        'issue', 'payment', 'credit_applied', 'allocation_freed', 'void'
    )),
    customer_id uuid NOT NULL,
    -- Checked at commit: an invoice is posted before it takes its number, so that the
    -- series, which everybody waits for, is locked last and shortest.
    invoice_id uuid REFERENCES invoices DEFERRABLE INITIALLY DEFERRED,
    payment_id uuid,
    reverses_id uuid REFERENCES journal_entries,
    -- Why the customer's credit moved, where it did: the cause on their statement.
    credit_reason text CONSTRAINT journal_entries_credit_reason_check CHECK (
        credit_reason IN ('top_up', 'overpayment', 'applied', 'automatic', 'freed')
    ),
    booked_on date NOT NULL,
    posted_at timestamptz NOT NULL,
    cause_id text NOT NULL
);
CREATE INDEX journal_entries_invoice_idx ON journal_entries (invoice_id);
-- Once each, whatever is retried: an invoice's issue and void, a payment's money.
CREATE UNIQUE INDEX journal_entries_invoice_key ON journal_entries (invoice_id, kind)
    WHERE kind IN ('issue', 'void');
CREATE UNIQUE INDEX journal_entries_payment_key ON journal_entries (payment_id)
    WHERE kind = 'payment';

-- Debit positive. `seq` orders an account's history: it is drawn under the balance's lock.
CREATE TABLE postings (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entry_id uuid NOT NULL REFERENCES journal_entries,
    account_id uuid NOT NULL REFERENCES ledger_accounts,
    currency text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor <> 0)
);
CREATE INDEX postings_entry_idx ON postings (entry_id);
CREATE INDEX postings_account_idx ON postings (account_id, seq);

CREATE FUNCTION refuse_unbalanced_entries() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM inserted GROUP BY entry_id, currency HAVING sum(amount_minor) <> 0
    ) THEN
        RAISE EXCEPTION 'a journal entry must sum to zero in each currency'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'postings_balanced';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER postings_balanced AFTER INSERT ON postings
    REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_unbalanced_entries();

-- The job that seals entries gives each its place in a hash chain after commit.
CREATE TABLE journal_seals (
    position bigint PRIMARY KEY,
    entry_id uuid NOT NULL CONSTRAINT journal_seals_entry_key UNIQUE
        REFERENCES journal_entries,
    hash bytea NOT NULL
);

-- refuse_change() comes with the plumbing's tables.
CREATE TRIGGER journal_entries_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON journal_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER postings_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON postings
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER journal_seals_append_only
    BEFORE UPDATE OR DELETE OR TRUNCATE ON journal_seals
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Kept balances, for customers' accounts only, in the account's normal sign:
-- receivable = Σ postings, credit = −Σ postings. Both can't be negative.
CREATE TABLE balances (
    account_id uuid PRIMARY KEY REFERENCES ledger_accounts,
    customer_id uuid NOT NULL REFERENCES customers,
    kind text NOT NULL CONSTRAINT balances_kind_check
        CHECK (kind IN ('receivable', 'customer_credit')),
    currency text NOT NULL,
    balance_minor bigint NOT NULL DEFAULT 0,
    version bigint NOT NULL DEFAULT 0,
    CONSTRAINT balances_key UNIQUE (customer_id, kind, currency),
    CONSTRAINT balances_not_negative CHECK (balance_minor >= 0)
);

-- Payments ------------------------------------------------------------------------
CREATE TABLE payments (
    id uuid PRIMARY KEY,
    customer_id uuid NOT NULL REFERENCES customers,
    method text NOT NULL CONSTRAINT payments_method_check CHECK (method IN (
        'card', 'paypal', 'boleto', 'pix', 'bank_transfer', 'deposit'
    )),
    status text NOT NULL CONSTRAINT payments_status_check CHECK (status IN (
        'requires_action', 'clearing', 'awaiting_confirmation', 'succeeded', 'failed',
        'cancelled', 'expired', 'refunded'
    )),
    currency text NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    received_minor bigint CHECK (received_minor > 0),
    reference text NOT NULL CONSTRAINT payments_reference_key UNIQUE,
    bank_account text,
    bank_reference text,
    ticket_id uuid,
    confirmed_by uuid,
    succeeded_at timestamptz,
    created_at timestamptz NOT NULL,
    version bigint NOT NULL,
    cause_id text NOT NULL,
    CONSTRAINT payments_bank_reference_key UNIQUE (bank_account, bank_reference),
    CONSTRAINT payments_bank_check
        CHECK ((bank_account IS NULL) = (bank_reference IS NULL)),
    CONSTRAINT payments_received_check
        CHECK (status NOT IN ('succeeded', 'refunded') OR received_minor IS NOT NULL)
);
CREATE INDEX payments_customer_idx ON payments (customer_id, created_at DESC, id DESC);
CREATE INDEX payments_waiting_idx ON payments (created_at, id)
    WHERE status IN ('awaiting_confirmation', 'clearing');

-- What a payment is meant for. `live`: the attempt is unresolved; one per invoice.
CREATE TABLE payment_shares (
    payment_id uuid NOT NULL REFERENCES payments,
    invoice_id uuid NOT NULL REFERENCES invoices,
    asked_minor bigint NOT NULL CHECK (asked_minor > 0),
    live boolean NOT NULL,
    PRIMARY KEY (payment_id, invoice_id)
);
CREATE UNIQUE INDEX payment_shares_live_key ON payment_shares (invoice_id) WHERE live;

-- What has paid what. A freed allocation stays, with the entry that freed it; a top-up's
-- has none, since its money is credit from the start.
CREATE TABLE allocations (
    id uuid PRIMARY KEY,
    invoice_id uuid NOT NULL REFERENCES invoices,
    payment_id uuid REFERENCES payments,
    source text NOT NULL CONSTRAINT allocations_source_check
        CHECK (source IN ('payment', 'credit', 'credit_note')),
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    entry_id uuid NOT NULL REFERENCES journal_entries,
    freed_at timestamptz,
    freed_entry_id uuid REFERENCES journal_entries,
    created_at timestamptz NOT NULL,
    cause_id text NOT NULL,
    CONSTRAINT allocations_entry_key UNIQUE (entry_id, invoice_id),
    CONSTRAINT allocations_freed_check CHECK (freed_entry_id IS NULL OR freed_at IS NOT NULL),
    CONSTRAINT allocations_payment_check CHECK ((source = 'payment') = (payment_id IS NOT NULL))
);
CREATE INDEX allocations_invoice_idx ON allocations (invoice_id);
CREATE INDEX allocations_payment_idx ON allocations (payment_id);

-- Invoices that neither automatic credit nor cancellation may touch: money for them is
-- clearing, or an open finance ticket is about them.
CREATE VIEW held_back_invoices AS
    SELECT s.invoice_id FROM payment_shares s JOIN payments p ON p.id = s.payment_id
    WHERE s.live AND p.status = 'clearing'
    UNION ALL
    SELECT t.invoice_id FROM tickets t
    WHERE t.invoice_id IS NOT NULL AND t.department = 'finance' AND t.status <> 'closed';

-- Daily runs that staff asked for or the job made, with their report.
CREATE TABLE billing_runs (
    id uuid PRIMARY KEY,
    run_on date NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    report jsonb NOT NULL,
    cause_id text NOT NULL
);
CREATE INDEX billing_runs_started_idx ON billing_runs (started_at DESC, id DESC);

-- Domains -------------------------------------------------------------------------
CREATE TABLE domains (
    id uuid PRIMARY KEY,
    customer_id uuid NOT NULL REFERENCES customers,
    name text NOT NULL CONSTRAINT domains_name_key UNIQUE,
    status text NOT NULL CONSTRAINT domains_status_check
        CHECK (status IN ('pending', 'active', 'expired', 'transferred_away')),
    expires_on date,
    auto_renew boolean NOT NULL DEFAULT true,
    created_at timestamptz NOT NULL,
    version bigint NOT NULL,
    cause_id text NOT NULL
);
CREATE INDEX domains_customer_idx ON domains (customer_id, created_at DESC, id DESC);
