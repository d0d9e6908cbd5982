"""Claims about invoices: what they ask for, what paid them, what they pay for."""

from chassis.checks import claim

_PAID_IS_ALLOCATED = claim(
    "an invoice is paid if and only if allocations make up its total",
    count="SELECT count(*) FROM invoices",
    find="""
    SELECT format('invoice %s is %s: of %s, it says %s is allocated, allocations %s',
                  coalesce(i.number, i.id::text), i.status, i.total_minor,
                  i.allocated_minor, l.live)
    FROM invoices i
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(amount_minor), 0) AS live FROM allocations
        WHERE invoice_id = i.id AND freed_at IS NULL
    ) l
    WHERE l.live <> i.allocated_minor OR l.live > i.total_minor
       OR (i.status = 'paid')
          <> (l.live = i.total_minor
              AND i.status NOT IN ('draft', 'void', 'uncollectible'))
       OR (i.status IN ('draft', 'void') AND l.live <> 0)
    """,
)
_TOTALS_ADD_UP = claim(
    "an invoice's total is the sum of its lines and tax",
    count="SELECT count(*) FROM invoices",
    find="""
    SELECT format('invoice %s asks for %s + %s, its lines for %s + %s',
                  coalesce(i.number, i.id::text), i.subtotal_minor, i.tax_minor,
                  l.subtotal, l.tax)
    FROM invoices i
    CROSS JOIN LATERAL (
        SELECT sum(subtotal_minor) AS subtotal, sum(tax_minor) AS tax,
               sum(total_minor) AS total
        FROM invoice_lines WHERE invoice_id = i.id
    ) l
    WHERE (i.subtotal_minor, i.tax_minor, i.total_minor)
          IS DISTINCT FROM (l.subtotal, l.tax, l.total)
    """,
)
_TOTALS_STAND = claim(
    "an invoice asks for what was posted at its issue",
    count="SELECT count(*) FROM journal_entries WHERE kind = 'issue'",
    find="""
    SELECT format('invoice %s (%s, %s) asks for %s + %s; posted at issue: %s, %s, %s',
                  coalesce(i.number, i.id::text), i.kind, i.status, i.subtotal_minor,
                  i.tax_minor, m.receivable, m.revenue, m.tax)
    FROM invoices i
    CROSS JOIN LATERAL (
        SELECT count(DISTINCT e.id) AS entries,
               coalesce(sum(p.amount_minor) FILTER (
                   WHERE a.kind = 'receivable'), 0) AS receivable,
               coalesce(-sum(p.amount_minor) FILTER (
                   WHERE a.kind = 'revenue'), 0) AS revenue,
               coalesce(-sum(p.amount_minor) FILTER (
                   WHERE a.kind = 'tax_payable'), 0) AS tax
        FROM journal_entries e
        JOIN postings p ON p.entry_id = e.id
        JOIN ledger_accounts a ON a.id = p.account_id
        WHERE e.invoice_id = i.id AND e.kind = 'issue'
    ) m
    WHERE CASE WHEN i.number IS NULL OR i.kind = 'top_up' OR i.total_minor = 0
          THEN m.entries <> 0
          ELSE m.entries <> 1 OR m.receivable <> i.total_minor
               OR m.revenue <> i.subtotal_minor OR m.tax <> i.tax_minor END
    """,
)
_VOIDS_REVERSE = claim(
    "an issued invoice is void if and only if its issue is reversed",
    count="SELECT count(*) FROM invoices WHERE status = 'void'",
    find="""
    SELECT format('invoice %s is %s; entries that reverse its issue: %s',
                  i.number, i.status, m.reversals)
    FROM invoices i
    CROSS JOIN LATERAL (
        SELECT count(*) AS reversals
        FROM journal_entries v JOIN journal_entries e ON e.id = v.reverses_id
        WHERE v.invoice_id = i.id AND v.kind = 'void'
          AND e.invoice_id = i.id AND e.kind = 'issue'
          AND NOT EXISTS (
              SELECT FROM postings p WHERE p.entry_id IN (v.id, e.id)
              GROUP BY p.account_id HAVING sum(p.amount_minor) <> 0)
    ) m
    WHERE i.number IS NOT NULL AND i.kind <> 'top_up' AND i.total_minor > 0
      AND m.reversals <> (i.status = 'void')::integer
    """,
)
_RECEIVABLE_REMAINS = claim(
    "customers owe what remains of their open invoices",
    count="SELECT count(*) FROM invoices WHERE status = 'open'",
    find="""
    SELECT format('customer %s owes %s %s by the ledger, %s by open invoices',
                  customer_id, l.minor, currency, i.minor)
    FROM (
        SELECT a.customer_id, a.currency, sum(p.amount_minor) AS minor
        FROM ledger_accounts a JOIN postings p ON p.account_id = a.id
        WHERE a.kind = 'receivable' GROUP BY a.id
    ) l
    FULL JOIN (
        SELECT customer_id, currency, sum(total_minor - allocated_minor) AS minor
        FROM invoices WHERE status = 'open' AND kind <> 'top_up'
        GROUP BY customer_id, currency
    ) i USING (customer_id, currency)
    WHERE coalesce(l.minor, 0) <> coalesce(i.minor, 0)
    """,
)
_PERIODS_ONCE = claim(
    "each period of a service is on one line that stands, without overlap or gap",
    count="SELECT count(*) FROM service_periods",
    find="""
    SELECT format('service %s: the period from %s follows one until %s',
                  service_id, starts_on, ended_on)
    FROM (
        SELECT service_id, starts_on,
               lag(ends_on) OVER (PARTITION BY service_id ORDER BY starts_on)
                   AS ended_on
        FROM service_periods
    ) periods
    WHERE starts_on <> ended_on
    UNION ALL
    SELECT format('service %s: the period from %s is on a %s line of invoice %s (%s)',
                  p.service_id, p.starts_on, l.kind, i.number, i.status)
    FROM service_periods p
    JOIN invoice_lines l ON l.id = p.line_id
    JOIN invoices i ON i.id = l.invoice_id
    WHERE i.status = 'void' OR l.service_id IS DISTINCT FROM p.service_id
       OR l.kind NOT IN ('first', 'renewal')
    UNION ALL
    SELECT format('service %s: invoice %s (%s) charges for a period it does not name',
                  l.service_id, coalesce(i.number, i.id::text), i.status)
    FROM invoice_lines l
    JOIN invoices i ON i.id = l.invoice_id
    JOIN services s ON s.id = l.service_id
    LEFT JOIN service_periods p ON p.line_id = l.id
    WHERE p.line_id IS NULL AND s.period <> 'one_time' AND i.status <> 'void'
      AND (l.kind = 'renewal' OR (l.kind = 'first' AND i.status = 'paid'))
    """,
)
_EXPIRY_IS_PAID = claim(
    "a service is paid until the end of its last paid period",
    count="SELECT count(*) FROM services",
    find="""
    SELECT format('service %s says it is paid until %s; its paid periods end on %s',
                  s.id, s.paid_until, p.ends_on)
    FROM services s
    CROSS JOIN LATERAL (
        SELECT max(p.ends_on) AS ends_on
        FROM service_periods p
        JOIN invoice_lines l ON l.id = p.line_id
        JOIN invoices i ON i.id = l.invoice_id
        WHERE p.service_id = s.id AND i.status = 'paid'
    ) p
    WHERE s.paid_until IS DISTINCT FROM p.ends_on
    """,
)
_NUMBERS_WITHOUT_GAPS = claim(
    "invoice numbers run without gaps in each year",
    count="SELECT count(*) FROM invoices WHERE number IS NOT NULL",
    find="""
    SELECT format('series %s of %s has no invoice %s', s.series, s.year, n)
    FROM number_series s
    CROSS JOIN generate_series(1, s.last_number) AS n
    LEFT JOIN invoices i ON split_part(i.number, '-', 1)::integer = s.year
         AND split_part(i.number, '-', 2)::bigint = n
    WHERE i.id IS NULL
    UNION ALL
    SELECT format('invoice %s has a number that its series has not given', i.number)
    FROM invoices i
    LEFT JOIN number_series s ON s.year = split_part(i.number, '-', 1)::integer
    WHERE i.number IS NOT NULL
      AND coalesce(split_part(i.number, '-', 2)::bigint NOT BETWEEN 1
                   AND s.last_number, true)
    """,
)

INVOICES = (
    _PAID_IS_ALLOCATED,
    _TOTALS_ADD_UP,
    _TOTALS_STAND,
    _VOIDS_REVERSE,
    _RECEIVABLE_REMAINS,
    _PERIODS_ONCE,
    _EXPIRY_IS_PAID,
    _NUMBERS_WITHOUT_GAPS,
)
