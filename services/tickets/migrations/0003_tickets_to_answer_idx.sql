-- no-transaction
-- The staff's queue: few tickets among the many that were answered and never closed.
CREATE INDEX CONCURRENTLY IF NOT EXISTS tickets_to_answer_idx ON tickets (waiting_since)
    WHERE status IN ('open', 'customer_reply') AND NOT internal;
