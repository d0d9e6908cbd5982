-- no-transaction
-- A page of an invoice shows what was meant to pay for it, whatever became of that.
CREATE INDEX CONCURRENTLY IF NOT EXISTS payment_shares_invoice_idx
    ON payment_shares (invoice_id);
