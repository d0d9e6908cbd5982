-- Since when a customer waits for an answer. The release before this one leaves it alone:
-- readers take a ticket without it by the time of its last change, and ignore it on one
-- that is not waiting.
ALTER TABLE tickets ADD COLUMN waiting_since timestamptz;

UPDATE tickets t
SET waiting_since = coalesce(
    (SELECT min(m.at) FROM messages m
     WHERE m.ticket_id = t.id AND m.author_kind = 'customer'
       AND m.position > coalesce((
           SELECT max(a.position) FROM messages a
           WHERE a.ticket_id = t.id AND a.kind = 'public' AND a.author_kind <> 'customer'
       ), 0)),
    t.updated_at
)
WHERE t.status IN ('open', 'customer_reply') AND NOT t.internal;
