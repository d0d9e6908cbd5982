CREATE SCHEMA billing;

CREATE FUNCTION billing.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;

CREATE FUNCTION billing.refuse_unbalanced_entries() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    IF EXISTS (
        SELECT FROM inserted GROUP BY entry_id, currency HAVING sum(amount_minor) <> 0
    ) THEN
        RAISE EXCEPTION 'a journal entry must sum to zero in each currency'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'postings_balanced';
    END IF;
    RETURN NULL;
END $$;

CREATE TABLE billing.allocations (
    id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    payment_id uuid,
    source text NOT NULL,
    amount_minor bigint NOT NULL,
    entry_id uuid NOT NULL,
    freed_at timestamp with time zone,
    freed_entry_id uuid,
    created_at timestamp with time zone NOT NULL,
    cause_id text NOT NULL,
    CONSTRAINT allocations_amount_minor_check CHECK ((amount_minor > 0)),
    CONSTRAINT allocations_freed_check CHECK (((freed_entry_id IS NULL) OR (freed_at IS NOT NULL))),
    CONSTRAINT allocations_payment_check CHECK (((source = 'payment'::text) = (payment_id IS NOT NULL))),
    CONSTRAINT allocations_source_check CHECK ((source = ANY (ARRAY['payment'::text, 'credit'::text, 'credit_note'::text])))
);

CREATE TABLE billing.audit_log (
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

CREATE TABLE billing.balances (
    account_id uuid NOT NULL,
    customer_id uuid NOT NULL,
    kind text NOT NULL,
    currency text NOT NULL,
    balance_minor bigint DEFAULT 0 NOT NULL,
    version bigint DEFAULT 0 NOT NULL,
    CONSTRAINT balances_kind_check CHECK ((kind = ANY (ARRAY['receivable'::text, 'customer_credit'::text]))),
    CONSTRAINT balances_not_negative CHECK ((balance_minor >= 0))
);

CREATE TABLE billing.billing_runs (
    id uuid NOT NULL,
    run_on date NOT NULL,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone NOT NULL,
    report jsonb NOT NULL,
    cause_id text NOT NULL
);

CREATE TABLE billing.business_clock (
    single boolean DEFAULT true NOT NULL,
    shift_seconds double precision DEFAULT 0 NOT NULL,
    version bigint DEFAULT 0 NOT NULL,
    CONSTRAINT business_clock_single_check CHECK (single)
);

CREATE TABLE billing.check_results (
    name text NOT NULL,
    checked bigint NOT NULL,
    violations integer NOT NULL,
    ran_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE billing.customers (
    id uuid NOT NULL,
    version bigint DEFAULT 0 NOT NULL,
    name text,
    company text,
    tax_id text,
    country text,
    currency text,
    language text DEFAULT 'en'::text NOT NULL,
    time_zone text,
    email text,
    phone text,
    address jsonb
);

CREATE TABLE billing.domains (
    id uuid NOT NULL,
    customer_id uuid NOT NULL,
    name text NOT NULL,
    status text NOT NULL,
    expires_on date,
    auto_renew boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone NOT NULL,
    version bigint NOT NULL,
    cause_id text NOT NULL,
    CONSTRAINT domains_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'active'::text, 'expired'::text, 'transferred_away'::text])))
);

CREATE TABLE billing.payment_shares (
    payment_id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    asked_minor bigint NOT NULL,
    live boolean NOT NULL,
    CONSTRAINT payment_shares_asked_minor_check CHECK ((asked_minor > 0))
);

CREATE TABLE billing.payments (
    id uuid NOT NULL,
    customer_id uuid NOT NULL,
    method text NOT NULL,
    status text NOT NULL,
    currency text NOT NULL,
    amount_minor bigint NOT NULL,
    received_minor bigint,
    reference text NOT NULL,
    bank_account text,
    bank_reference text,
    ticket_id uuid,
    confirmed_by uuid,
    succeeded_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    version bigint NOT NULL,
    cause_id text NOT NULL,
    CONSTRAINT payments_amount_minor_check CHECK ((amount_minor > 0)),
    CONSTRAINT payments_bank_check CHECK (((bank_account IS NULL) = (bank_reference IS NULL))),
    CONSTRAINT payments_method_check CHECK ((method = ANY (ARRAY['card'::text, 'paypal'::text, 'boleto'::text, 'pix'::text, 'bank_transfer'::text, 'deposit'::text]))),
    CONSTRAINT payments_received_check CHECK (((status <> ALL (ARRAY['succeeded'::text, 'refunded'::text])) OR (received_minor IS NOT NULL))),
    CONSTRAINT payments_received_minor_check CHECK ((received_minor > 0)),
    CONSTRAINT payments_status_check CHECK ((status = ANY (ARRAY['requires_action'::text, 'clearing'::text, 'awaiting_confirmation'::text, 'succeeded'::text, 'failed'::text, 'cancelled'::text, 'expired'::text, 'refunded'::text])))
);

CREATE TABLE billing.tickets (
    id uuid NOT NULL,
    version bigint NOT NULL,
    customer_id uuid,
    department text NOT NULL,
    status text NOT NULL,
    invoice_id uuid
);

CREATE VIEW billing.held_back_invoices AS
 SELECT s.invoice_id
   FROM (billing.payment_shares s
     JOIN billing.payments p ON ((p.id = s.payment_id)))
  WHERE (s.live AND (p.status = 'clearing'::text))
UNION ALL
 SELECT t.invoice_id
   FROM billing.tickets t
  WHERE ((t.invoice_id IS NOT NULL) AND (t.department = 'finance'::text) AND (t.status <> 'closed'::text));

CREATE TABLE billing.idempotency_keys (
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

CREATE TABLE billing.inbox (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    type text NOT NULL,
    handled_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE billing.invoice_lines (
    id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    "position" integer NOT NULL,
    kind text NOT NULL,
    service_id uuid,
    description text NOT NULL,
    quantity integer DEFAULT 1 NOT NULL,
    unit_minor bigint NOT NULL,
    subtotal_minor bigint NOT NULL,
    tax_rate_bp integer DEFAULT 0 NOT NULL,
    tax_minor bigint DEFAULT 0 NOT NULL,
    total_minor bigint NOT NULL,
    CONSTRAINT invoice_lines_kind_check CHECK ((kind = ANY (ARRAY['first'::text, 'renewal'::text, 'setup'::text, 'top_up'::text]))),
    CONSTRAINT invoice_lines_quantity_check CHECK ((quantity > 0)),
    CONSTRAINT invoice_lines_total_check CHECK ((total_minor = (subtotal_minor + tax_minor)))
);

CREATE TABLE billing.invoices (
    id uuid NOT NULL,
    customer_id uuid NOT NULL,
    order_id uuid,
    kind text NOT NULL,
    status text NOT NULL,
    number text,
    currency text NOT NULL,
    subtotal_minor bigint NOT NULL,
    tax_minor bigint DEFAULT 0 NOT NULL,
    total_minor bigint NOT NULL,
    allocated_minor bigint DEFAULT 0 NOT NULL,
    issued_on date,
    due_on date NOT NULL,
    paid_on date,
    buyer jsonb,
    seller jsonb,
    created_at timestamp with time zone NOT NULL,
    version bigint NOT NULL,
    cause_id text NOT NULL,
    CONSTRAINT invoices_allocated_check CHECK (((allocated_minor >= 0) AND (allocated_minor <= total_minor))),
    CONSTRAINT invoices_issued_check CHECK (((status = 'draft'::text) OR (status = 'void'::text) OR (number IS NOT NULL))),
    CONSTRAINT invoices_kind_check CHECK ((kind = ANY (ARRAY['service'::text, 'top_up'::text]))),
    CONSTRAINT invoices_paid_check CHECK (((status = 'paid'::text) = ((allocated_minor = total_minor) AND (status <> 'void'::text) AND (status <> 'draft'::text) AND (status <> 'uncollectible'::text)))),
    CONSTRAINT invoices_status_check CHECK ((status = ANY (ARRAY['draft'::text, 'open'::text, 'paid'::text, 'void'::text, 'uncollectible'::text]))),
    CONSTRAINT invoices_total_check CHECK ((total_minor = (subtotal_minor + tax_minor))),
    CONSTRAINT invoices_total_minor_check CHECK ((total_minor >= 0))
);

CREATE TABLE billing.job_runs (
    job text NOT NULL,
    due_at timestamp with time zone NOT NULL,
    run_id uuid NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    error text
);

CREATE TABLE billing.journal_entries (
    id uuid NOT NULL,
    kind text NOT NULL,
    customer_id uuid NOT NULL,
    invoice_id uuid,
    payment_id uuid,
    reverses_id uuid,
    credit_reason text,
    booked_on date NOT NULL,
    posted_at timestamp with time zone NOT NULL,
    cause_id text NOT NULL,
    CONSTRAINT journal_entries_credit_reason_check CHECK ((credit_reason = ANY (ARRAY['top_up'::text, 'overpayment'::text, 'applied'::text, 'automatic'::text, 'freed'::text]))),
    CONSTRAINT journal_entries_kind_check CHECK ((kind = ANY (ARRAY['issue'::text, 'payment'::text, 'credit_applied'::text, 'allocation_freed'::text, 'void'::text])))
);

CREATE TABLE billing.journal_seals (
    "position" bigint NOT NULL,
    entry_id uuid NOT NULL,
    hash bytea NOT NULL
);

CREATE TABLE billing.ledger_accounts (
    id uuid NOT NULL,
    kind text NOT NULL,
    customer_id uuid,
    currency text NOT NULL,
    CONSTRAINT ledger_accounts_customer_check CHECK (((customer_id IS NOT NULL) = (kind = ANY (ARRAY['receivable'::text, 'customer_credit'::text])))),
    CONSTRAINT ledger_accounts_kind_check CHECK ((kind = ANY (ARRAY['receivable'::text, 'customer_credit'::text, 'revenue'::text, 'tax_payable'::text, 'bank'::text, 'clearing'::text])))
);

CREATE TABLE billing.number_series (
    series text NOT NULL,
    year integer NOT NULL,
    last_number bigint DEFAULT 0 NOT NULL
);

CREATE SEQUENCE billing.order_numbers
    START WITH 1001
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE billing.orders (
    id uuid NOT NULL,
    number bigint DEFAULT nextval('billing.order_numbers'::regclass) NOT NULL,
    customer_id uuid NOT NULL,
    status text NOT NULL,
    currency text NOT NULL,
    total_minor bigint NOT NULL,
    placed_on date NOT NULL,
    expires_on date NOT NULL,
    created_at timestamp with time zone NOT NULL,
    version bigint NOT NULL,
    cause_id text NOT NULL,
    CONSTRAINT orders_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'active'::text, 'cancelled'::text]))),
    CONSTRAINT orders_total_minor_check CHECK ((total_minor >= 0))
);

CREATE TABLE billing.outbox (
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

ALTER TABLE billing.outbox ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME billing.outbox_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE billing.postings (
    seq bigint NOT NULL,
    entry_id uuid NOT NULL,
    account_id uuid NOT NULL,
    currency text NOT NULL,
    amount_minor bigint NOT NULL,
    CONSTRAINT postings_amount_minor_check CHECK ((amount_minor <> 0))
);

ALTER TABLE billing.postings ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME billing.postings_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE billing.prices (
    product_id uuid NOT NULL,
    currency text NOT NULL,
    period text NOT NULL,
    amount_minor bigint NOT NULL,
    setup_fee_minor bigint DEFAULT 0 NOT NULL,
    CONSTRAINT prices_amount_minor_check CHECK ((amount_minor >= 0)),
    CONSTRAINT prices_period_check CHECK ((period = ANY (ARRAY['one_time'::text, 'monthly'::text, 'quarterly'::text, 'semiannual'::text, 'annual'::text, 'biennial'::text, 'triennial'::text]))),
    CONSTRAINT prices_setup_fee_minor_check CHECK ((setup_fee_minor >= 0))
);

CREATE TABLE billing.products (
    id uuid NOT NULL,
    slug text NOT NULL,
    name text NOT NULL,
    group_name text NOT NULL,
    description text NOT NULL,
    "position" integer DEFAULT 0 NOT NULL,
    archived_at timestamp with time zone,
    version bigint DEFAULT 1 NOT NULL,
    translations jsonb DEFAULT '{}'::jsonb NOT NULL
);

CREATE TABLE billing.readings (
    consumer text NOT NULL,
    type text NOT NULL,
    since timestamp with time zone
);

CREATE TABLE billing.retries (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    producer text NOT NULL,
    emitted_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone NOT NULL
);

CREATE TABLE billing.schema_migrations (
    name text NOT NULL,
    sha256 text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE billing.service_periods (
    service_id uuid NOT NULL,
    starts_on date NOT NULL,
    ends_on date NOT NULL,
    line_id uuid NOT NULL,
    cause_id text NOT NULL,
    CONSTRAINT service_periods_order_check CHECK ((starts_on < ends_on))
);

CREATE TABLE billing.services (
    id uuid NOT NULL,
    customer_id uuid NOT NULL,
    order_id uuid NOT NULL,
    product_id uuid NOT NULL,
    product_slug text NOT NULL,
    product_name text NOT NULL,
    label text NOT NULL,
    status text NOT NULL,
    period text NOT NULL,
    currency text NOT NULL,
    recurring_minor bigint NOT NULL,
    anchor_day smallint,
    activated_on date,
    paid_until date,
    next_due_on date,
    cancel_on date,
    reason text,
    created_at timestamp with time zone NOT NULL,
    version bigint NOT NULL,
    cause_id text NOT NULL,
    CONSTRAINT services_anchor_day_check CHECK (((anchor_day >= 1) AND (anchor_day <= 31))),
    CONSTRAINT services_recurring_minor_check CHECK ((recurring_minor >= 0)),
    CONSTRAINT services_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'active'::text, 'suspended'::text, 'terminated'::text, 'cancelled'::text])))
);

CREATE TABLE billing.watermarks (
    producer text NOT NULL,
    at timestamp with time zone NOT NULL
);

ALTER TABLE ONLY billing.allocations
    ADD CONSTRAINT allocations_entry_key UNIQUE (entry_id, invoice_id);

ALTER TABLE ONLY billing.allocations
    ADD CONSTRAINT allocations_pkey PRIMARY KEY (id);

ALTER TABLE ONLY billing.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (id);

ALTER TABLE ONLY billing.balances
    ADD CONSTRAINT balances_key UNIQUE (customer_id, kind, currency);

ALTER TABLE ONLY billing.balances
    ADD CONSTRAINT balances_pkey PRIMARY KEY (account_id);

ALTER TABLE ONLY billing.billing_runs
    ADD CONSTRAINT billing_runs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY billing.business_clock
    ADD CONSTRAINT business_clock_pkey PRIMARY KEY (single);

ALTER TABLE ONLY billing.check_results
    ADD CONSTRAINT check_results_pkey PRIMARY KEY (name);

ALTER TABLE ONLY billing.customers
    ADD CONSTRAINT customers_pkey PRIMARY KEY (id);

ALTER TABLE ONLY billing.domains
    ADD CONSTRAINT domains_name_key UNIQUE (name);

ALTER TABLE ONLY billing.domains
    ADD CONSTRAINT domains_pkey PRIMARY KEY (id);

ALTER TABLE ONLY billing.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (caller, method, route, key);

ALTER TABLE ONLY billing.inbox
    ADD CONSTRAINT inbox_pkey PRIMARY KEY (consumer, event_id);

ALTER TABLE ONLY billing.invoice_lines
    ADD CONSTRAINT invoice_lines_pkey PRIMARY KEY (id);

ALTER TABLE ONLY billing.invoice_lines
    ADD CONSTRAINT invoice_lines_position_key UNIQUE (invoice_id, "position");

ALTER TABLE ONLY billing.invoices
    ADD CONSTRAINT invoices_number_key UNIQUE (number);

ALTER TABLE ONLY billing.invoices
    ADD CONSTRAINT invoices_pkey PRIMARY KEY (id);

ALTER TABLE ONLY billing.job_runs
    ADD CONSTRAINT job_runs_pkey PRIMARY KEY (job, due_at);

ALTER TABLE ONLY billing.journal_entries
    ADD CONSTRAINT journal_entries_pkey PRIMARY KEY (id);

ALTER TABLE ONLY billing.journal_seals
    ADD CONSTRAINT journal_seals_entry_key UNIQUE (entry_id);

ALTER TABLE ONLY billing.journal_seals
    ADD CONSTRAINT journal_seals_pkey PRIMARY KEY ("position");

ALTER TABLE ONLY billing.ledger_accounts
    ADD CONSTRAINT ledger_accounts_key UNIQUE NULLS NOT DISTINCT (kind, customer_id, currency);

ALTER TABLE ONLY billing.ledger_accounts
    ADD CONSTRAINT ledger_accounts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY billing.number_series
    ADD CONSTRAINT number_series_pkey PRIMARY KEY (series, year);

ALTER TABLE ONLY billing.orders
    ADD CONSTRAINT orders_number_key UNIQUE (number);

ALTER TABLE ONLY billing.orders
    ADD CONSTRAINT orders_pkey PRIMARY KEY (id);

ALTER TABLE ONLY billing.outbox
    ADD CONSTRAINT outbox_event_id_key UNIQUE (event_id);

ALTER TABLE ONLY billing.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (seq);

ALTER TABLE ONLY billing.payment_shares
    ADD CONSTRAINT payment_shares_pkey PRIMARY KEY (payment_id, invoice_id);

ALTER TABLE ONLY billing.payments
    ADD CONSTRAINT payments_bank_reference_key UNIQUE (bank_account, bank_reference);

ALTER TABLE ONLY billing.payments
    ADD CONSTRAINT payments_pkey PRIMARY KEY (id);

ALTER TABLE ONLY billing.payments
    ADD CONSTRAINT payments_reference_key UNIQUE (reference);

ALTER TABLE ONLY billing.postings
    ADD CONSTRAINT postings_pkey PRIMARY KEY (seq);

ALTER TABLE ONLY billing.prices
    ADD CONSTRAINT prices_pkey PRIMARY KEY (product_id, currency, period);

ALTER TABLE ONLY billing.products
    ADD CONSTRAINT products_pkey PRIMARY KEY (id);

ALTER TABLE ONLY billing.products
    ADD CONSTRAINT products_slug_key UNIQUE (slug);

ALTER TABLE ONLY billing.readings
    ADD CONSTRAINT readings_pkey PRIMARY KEY (consumer, type);

ALTER TABLE ONLY billing.retries
    ADD CONSTRAINT retries_pkey PRIMARY KEY (consumer, event_id);

ALTER TABLE ONLY billing.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (name);

ALTER TABLE ONLY billing.service_periods
    ADD CONSTRAINT service_periods_end_key UNIQUE (service_id, ends_on);

ALTER TABLE ONLY billing.service_periods
    ADD CONSTRAINT service_periods_line_key UNIQUE (line_id);

ALTER TABLE ONLY billing.service_periods
    ADD CONSTRAINT service_periods_pkey PRIMARY KEY (service_id, starts_on);

ALTER TABLE ONLY billing.services
    ADD CONSTRAINT services_pkey PRIMARY KEY (id);

ALTER TABLE ONLY billing.tickets
    ADD CONSTRAINT tickets_pkey PRIMARY KEY (id);

ALTER TABLE ONLY billing.watermarks
    ADD CONSTRAINT watermarks_pkey PRIMARY KEY (producer);

CREATE INDEX allocations_invoice_idx ON billing.allocations USING btree (invoice_id);

CREATE INDEX allocations_payment_idx ON billing.allocations USING btree (payment_id);

CREATE INDEX audit_log_customer_idx ON billing.audit_log USING btree (customer_id, at);

CREATE INDEX audit_log_subject_idx ON billing.audit_log USING btree (subject, at);

CREATE INDEX billing_runs_started_idx ON billing.billing_runs USING btree (started_at DESC, id DESC);

CREATE INDEX domains_customer_idx ON billing.domains USING btree (customer_id, created_at DESC, id DESC);

CREATE INDEX idempotency_keys_created_idx ON billing.idempotency_keys USING btree (created_at);

CREATE INDEX inbox_handled_idx ON billing.inbox USING btree (handled_at);

CREATE INDEX invoice_lines_service_idx ON billing.invoice_lines USING btree (service_id);

CREATE INDEX invoices_customer_idx ON billing.invoices USING btree (customer_id, created_at DESC, id DESC);

CREATE INDEX invoices_drafts_idx ON billing.invoices USING btree (customer_id) WHERE (status = 'draft'::text);

CREATE INDEX invoices_open_idx ON billing.invoices USING btree (due_on, id) WHERE (status = 'open'::text);

CREATE INDEX invoices_order_idx ON billing.invoices USING btree (order_id) WHERE (order_id IS NOT NULL);

CREATE INDEX job_runs_started_idx ON billing.job_runs USING btree (started_at);

CREATE INDEX journal_entries_invoice_idx ON billing.journal_entries USING btree (invoice_id);

CREATE UNIQUE INDEX journal_entries_invoice_key ON billing.journal_entries USING btree (invoice_id, kind) WHERE (kind = ANY (ARRAY['issue'::text, 'void'::text]));

CREATE UNIQUE INDEX journal_entries_payment_key ON billing.journal_entries USING btree (payment_id) WHERE (kind = 'payment'::text);

CREATE INDEX orders_customer_idx ON billing.orders USING btree (customer_id, created_at DESC, id DESC);

CREATE INDEX orders_expiry_idx ON billing.orders USING btree (expires_on) WHERE (status = 'pending'::text);

CREATE INDEX outbox_correlation_idx ON billing.outbox USING btree (correlation_id);

CREATE INDEX outbox_published_idx ON billing.outbox USING btree (published_at) WHERE (published_at IS NOT NULL);

CREATE UNIQUE INDEX outbox_version_key ON billing.outbox USING btree (aggregate, subject, version) WHERE (NOT republished);

CREATE INDEX outbox_waiting_idx ON billing.outbox USING btree (seq) WHERE (published_at IS NULL);

CREATE INDEX payment_shares_invoice_idx ON billing.payment_shares USING btree (invoice_id);

CREATE UNIQUE INDEX payment_shares_live_key ON billing.payment_shares USING btree (invoice_id) WHERE live;

CREATE INDEX payments_customer_idx ON billing.payments USING btree (customer_id, created_at DESC, id DESC);

CREATE INDEX payments_waiting_idx ON billing.payments USING btree (created_at, id) WHERE (status = ANY (ARRAY['awaiting_confirmation'::text, 'clearing'::text]));

CREATE INDEX postings_account_idx ON billing.postings USING btree (account_id, seq);

CREATE INDEX postings_entry_idx ON billing.postings USING btree (entry_id);

CREATE INDEX services_customer_idx ON billing.services USING btree (customer_id, created_at DESC, id DESC);

CREATE INDEX services_due_idx ON billing.services USING btree (next_due_on, customer_id) WHERE ((status = ANY (ARRAY['active'::text, 'suspended'::text])) AND (next_due_on IS NOT NULL));

CREATE INDEX services_order_idx ON billing.services USING btree (order_id);

CREATE INDEX tickets_invoice_idx ON billing.tickets USING btree (invoice_id) WHERE (invoice_id IS NOT NULL);

CREATE TRIGGER audit_log_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON billing.audit_log FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_change();

CREATE TRIGGER journal_entries_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON billing.journal_entries FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_change();

CREATE TRIGGER journal_seals_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON billing.journal_seals FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_change();

CREATE TRIGGER postings_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON billing.postings FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_change();

CREATE TRIGGER postings_balanced AFTER INSERT ON billing.postings REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_unbalanced_entries();

ALTER TABLE ONLY billing.allocations
    ADD CONSTRAINT allocations_entry_id_fkey FOREIGN KEY (entry_id) REFERENCES billing.journal_entries(id);

ALTER TABLE ONLY billing.allocations
    ADD CONSTRAINT allocations_freed_entry_id_fkey FOREIGN KEY (freed_entry_id) REFERENCES billing.journal_entries(id);

ALTER TABLE ONLY billing.allocations
    ADD CONSTRAINT allocations_invoice_id_fkey FOREIGN KEY (invoice_id) REFERENCES billing.invoices(id);

ALTER TABLE ONLY billing.allocations
    ADD CONSTRAINT allocations_payment_id_fkey FOREIGN KEY (payment_id) REFERENCES billing.payments(id);

ALTER TABLE ONLY billing.balances
    ADD CONSTRAINT balances_account_id_fkey FOREIGN KEY (account_id) REFERENCES billing.ledger_accounts(id);

ALTER TABLE ONLY billing.balances
    ADD CONSTRAINT balances_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES billing.customers(id);

ALTER TABLE ONLY billing.domains
    ADD CONSTRAINT domains_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES billing.customers(id);

ALTER TABLE ONLY billing.invoice_lines
    ADD CONSTRAINT invoice_lines_invoice_id_fkey FOREIGN KEY (invoice_id) REFERENCES billing.invoices(id);

ALTER TABLE ONLY billing.invoice_lines
    ADD CONSTRAINT invoice_lines_service_id_fkey FOREIGN KEY (service_id) REFERENCES billing.services(id);

ALTER TABLE ONLY billing.invoices
    ADD CONSTRAINT invoices_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES billing.customers(id);

ALTER TABLE ONLY billing.invoices
    ADD CONSTRAINT invoices_order_id_fkey FOREIGN KEY (order_id) REFERENCES billing.orders(id);

ALTER TABLE ONLY billing.journal_entries
    ADD CONSTRAINT journal_entries_invoice_id_fkey FOREIGN KEY (invoice_id) REFERENCES billing.invoices(id) DEFERRABLE INITIALLY DEFERRED;

ALTER TABLE ONLY billing.journal_entries
    ADD CONSTRAINT journal_entries_reverses_id_fkey FOREIGN KEY (reverses_id) REFERENCES billing.journal_entries(id);

ALTER TABLE ONLY billing.journal_seals
    ADD CONSTRAINT journal_seals_entry_id_fkey FOREIGN KEY (entry_id) REFERENCES billing.journal_entries(id);

ALTER TABLE ONLY billing.ledger_accounts
    ADD CONSTRAINT ledger_accounts_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES billing.customers(id);

ALTER TABLE ONLY billing.orders
    ADD CONSTRAINT orders_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES billing.customers(id);

ALTER TABLE ONLY billing.payment_shares
    ADD CONSTRAINT payment_shares_invoice_id_fkey FOREIGN KEY (invoice_id) REFERENCES billing.invoices(id);

ALTER TABLE ONLY billing.payment_shares
    ADD CONSTRAINT payment_shares_payment_id_fkey FOREIGN KEY (payment_id) REFERENCES billing.payments(id);

ALTER TABLE ONLY billing.payments
    ADD CONSTRAINT payments_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES billing.customers(id);

ALTER TABLE ONLY billing.postings
    ADD CONSTRAINT postings_account_id_fkey FOREIGN KEY (account_id) REFERENCES billing.ledger_accounts(id);

ALTER TABLE ONLY billing.postings
    ADD CONSTRAINT postings_entry_id_fkey FOREIGN KEY (entry_id) REFERENCES billing.journal_entries(id);

ALTER TABLE ONLY billing.prices
    ADD CONSTRAINT prices_product_id_fkey FOREIGN KEY (product_id) REFERENCES billing.products(id);

ALTER TABLE ONLY billing.service_periods
    ADD CONSTRAINT service_periods_line_id_fkey FOREIGN KEY (line_id) REFERENCES billing.invoice_lines(id);

ALTER TABLE ONLY billing.service_periods
    ADD CONSTRAINT service_periods_service_id_fkey FOREIGN KEY (service_id) REFERENCES billing.services(id);

ALTER TABLE ONLY billing.services
    ADD CONSTRAINT services_customer_id_fkey FOREIGN KEY (customer_id) REFERENCES billing.customers(id);

ALTER TABLE ONLY billing.services
    ADD CONSTRAINT services_order_id_fkey FOREIGN KEY (order_id) REFERENCES billing.orders(id);

ALTER TABLE ONLY billing.services
    ADD CONSTRAINT services_product_id_fkey FOREIGN KEY (product_id) REFERENCES billing.products(id);
