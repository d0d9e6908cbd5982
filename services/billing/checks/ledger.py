"""Claims about the ledger and what rests on it: balances, allocations, payments."""

from chassis.checks import claim

_ENTRIES_BALANCE = claim(
    "every entry has two postings or more and sums to zero",
    count="SELECT count(*) FROM journal_entries",
    find="""
    SELECT format('entry %s has %s postings', e.id, count(p.seq))
    FROM journal_entries e LEFT JOIN postings p ON p.entry_id = e.id
    GROUP BY e.id HAVING count(p.seq) < 2
    UNION ALL
    SELECT format('entry %s sums to %s %s', entry_id, sum(amount_minor), currency)
    FROM postings GROUP BY entry_id, currency HAVING sum(amount_minor) <> 0
    """,
)
_POSTINGS_FIT = claim(
    "postings are in their account's currency and to their customer's accounts",
    count="SELECT count(*) FROM postings",
    find="""
    SELECT format('posting %s of entry %s is to account %s, of %s in %s',
                  p.seq, p.entry_id, a.id, coalesce(a.customer_id::text, 'the company'),
                  a.currency)
    FROM postings p
    JOIN ledger_accounts a ON a.id = p.account_id
    JOIN journal_entries e ON e.id = p.entry_id
    WHERE p.currency <> a.currency OR e.customer_id <> a.customer_id
    """,
)
_BALANCES_AGREE = claim(
    "kept balances equal the sum of their postings",
    count="SELECT count(*) FROM balances",
    find="""
    SELECT format('account %s (%s of customer %s) keeps %s, its postings say %s %s',
                  a.id, a.kind, a.customer_id, b.balance_minor, s.minor, a.currency)
    FROM ledger_accounts a
    LEFT JOIN balances b ON b.account_id = a.id
    CROSS JOIN LATERAL (
        SELECT CASE a.kind WHEN 'receivable' THEN 1 ELSE -1 END
               * coalesce(sum(p.amount_minor), 0) AS minor
        FROM postings p WHERE p.account_id = a.id
    ) s
    WHERE a.customer_id IS NOT NULL AND b.balance_minor IS DISTINCT FROM s.minor
    """,
)
_CREDIT_NEVER_NEGATIVE = claim(
    "credit was never below zero",
    count="""
    SELECT count(*) FROM postings p JOIN ledger_accounts a ON a.id = p.account_id
    WHERE a.kind = 'customer_credit'
    """,
    find="""
    SELECT format('customer %s had %s %s of credit after posting %s',
                  customer_id, credit_minor, currency, seq)
    FROM (
        SELECT a.customer_id, a.currency, p.seq,
               -sum(p.amount_minor) OVER (PARTITION BY a.id ORDER BY p.seq)
                   AS credit_minor
        FROM postings p JOIN ledger_accounts a ON a.id = p.account_id
        WHERE a.kind = 'customer_credit'
    ) history
    WHERE credit_minor < 0
    """,
)
_MONEY_IS_PLACED = claim(
    "money received equals what it paid and the credit it made",
    count="SELECT count(*) FROM journal_entries WHERE kind = 'payment'",
    find="""
    SELECT format('entry %s received %s, paid %s and made %s of credit',
                  e.id, m.received, m.paid, m.credited)
    FROM journal_entries e
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(p.amount_minor) FILTER (
                   WHERE a.kind IN ('bank', 'clearing')), 0) AS received,
               coalesce(-sum(p.amount_minor) FILTER (
                   WHERE a.kind = 'customer_credit'), 0) AS credited,
               (SELECT coalesce(sum(l.amount_minor), 0)
                FROM allocations l JOIN invoices i ON i.id = l.invoice_id
                WHERE l.entry_id = e.id AND i.kind <> 'top_up') AS paid
        FROM postings p JOIN ledger_accounts a ON a.id = p.account_id
        WHERE p.entry_id = e.id
    ) m
    WHERE e.kind = 'payment' AND m.received <> m.paid + m.credited
    """,
)
_ALLOCATIONS_ARE_POSTED = claim(
    "entries moved what customers owe by what was allocated or freed",
    count="SELECT count(*) FROM allocations",
    find="""
    SELECT format('entry %s (%s) moved %s, allocations say %s',
                  e.id, e.kind, m.posted, coalesce(l.minor, 0))
    FROM journal_entries e
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(p.amount_minor), 0) AS posted
        FROM postings p JOIN ledger_accounts a ON a.id = p.account_id
        WHERE p.entry_id = e.id AND a.kind = 'receivable'
    ) m
    LEFT JOIN (
        SELECT c.entry_id, sum(c.minor) AS minor
        FROM allocations a
        JOIN invoices i ON i.id = a.invoice_id AND i.kind <> 'top_up'
        CROSS JOIN LATERAL (VALUES (a.entry_id, -a.amount_minor),
                                   (a.freed_entry_id, a.amount_minor))
            AS c (entry_id, minor)
        GROUP BY c.entry_id
    ) l ON l.entry_id = e.id
    WHERE e.kind IN ('payment', 'credit_applied', 'allocation_freed')
      AND m.posted <> coalesce(l.minor, 0)
    """,
)
_PAYMENTS_ARE_POSTED = claim(
    "a payment has succeeded if and only if its money is posted, once",
    count="SELECT count(*) FROM payments",
    find="""
    SELECT format('payment %s is %s and received %s; %s entries posted %s',
                  p.reference, p.status, p.received_minor, m.entries, m.posted)
    FROM payments p
    CROSS JOIN LATERAL (
        SELECT count(DISTINCT e.id) AS entries, sum(l.amount_minor) AS posted
        FROM journal_entries e
        JOIN postings l ON l.entry_id = e.id
        JOIN ledger_accounts a ON a.id = l.account_id
        WHERE e.payment_id = p.id AND e.kind = 'payment'
          AND a.kind IN ('bank', 'clearing')
    ) m
    WHERE m.entries <> (p.status IN ('succeeded', 'refunded'))::integer
       OR m.posted IS DISTINCT FROM p.received_minor
    UNION ALL
    SELECT format('entry %s is of payment %s, which is not there', e.id, e.payment_id)
    FROM journal_entries e LEFT JOIN payments p ON p.id = e.payment_id
    WHERE e.payment_id IS NOT NULL AND p.id IS NULL
    """,
)
_ATTEMPTS_ARE_LIVE = claim(
    "unresolved payments, and only those, hold their invoices",
    count="SELECT count(*) FROM payment_shares",
    find="""
    SELECT format('payment %s is %s; its share of invoice %s (%s) is %s',
                  p.reference, p.status, i.id, i.status,
                  CASE WHEN s.live THEN 'live' ELSE 'resolved' END)
    FROM payment_shares s
    JOIN payments p ON p.id = s.payment_id
    JOIN invoices i ON i.id = s.invoice_id
    WHERE s.live <> (p.status IN ('requires_action', 'clearing',
                                  'awaiting_confirmation'))
       OR (s.live AND i.status <> 'open')
    UNION ALL
    SELECT format('payment %s asks for %s, its shares for %s',
                  p.reference, p.amount_minor, sum(s.asked_minor))
    FROM payments p LEFT JOIN payment_shares s ON s.payment_id = p.id
    GROUP BY p.id HAVING sum(s.asked_minor) IS DISTINCT FROM p.amount_minor
    """,
)
_CAUSES_ARE_KNOWN = claim(
    "every effect has its cause, and had it once",
    count="SELECT count(*) FROM journal_entries",
    find="""
    SELECT format('%s %s has no cause', what, id)
    FROM (
        SELECT 'entry' AS what, id::text, cause_id FROM journal_entries
        UNION ALL SELECT 'allocation', id::text, cause_id FROM allocations
        UNION ALL SELECT 'payment', id::text, cause_id FROM payments
        UNION ALL SELECT 'invoice', id::text, cause_id FROM invoices
        UNION ALL SELECT 'order', id::text, cause_id FROM orders
        UNION ALL SELECT 'service', id::text, cause_id FROM services
        UNION ALL SELECT 'period', service_id || ' from ' || starts_on, cause_id
                  FROM service_periods
    ) effects
    WHERE cause_id = ''
    UNION ALL
    SELECT format('%s caused %s entries (%s) for invoice %s and payment %s',
                  cause_id, count(*), kind, invoice_id, payment_id)
    FROM journal_entries
    -- One run may find new credit for the same invoice again; nothing else repeats.
    WHERE kind <> 'credit_applied'
    GROUP BY cause_id, kind, invoice_id, payment_id HAVING count(*) > 1
    """,
)
_APPEND_ONLY = claim(
    "no role can change or delete what is in the ledger",
    count="SELECT 3",
    find="""
    SELECT format('table %s has lost its guard', t.name)
    FROM (VALUES ('journal_entries'), ('postings'), ('journal_seals')) AS t (name)
    WHERE NOT EXISTS (
        SELECT FROM pg_trigger g
        WHERE g.tgrelid = t.name::regclass AND g.tgname = t.name || '_append_only'
          AND g.tgenabled IN ('O', 'A'))
    """,
)

LEDGER = (
    _ENTRIES_BALANCE,
    _POSTINGS_FIT,
    _BALANCES_AGREE,
    _CREDIT_NEVER_NEGATIVE,
    _MONEY_IS_PLACED,
    _ALLOCATIONS_ARE_POSTED,
    _PAYMENTS_ARE_POSTED,
    _ATTEMPTS_ARE_LIVE,
    _CAUSES_ARE_KNOWN,
    _APPEND_ONLY,
)
