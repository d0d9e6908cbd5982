"""Credit: its statement, top-ups under way, and who has some on a due date."""

from datetime import date
from uuid import UUID

from chassis.db import Record, Transaction
from chassis.money import Money
from services.billing.domain.credit import Movement
from services.billing.domain.ledger import CreditReason


async def list_movements(
    tx: Transaction,
    customer_id: UUID,
    currency: str | None,
    *,
    before: int | None,
    limit: int,
) -> list[Movement]:
    """Return the newest movements first, each with the balance that it left."""
    rows = await tx.fetch(
        """
        SELECT m.seq, m.currency, m.change_minor, m.balance_minor, e.posted_at,
               e.credit_reason, e.invoice_id, i.number, e.payment_id, p.reference
        FROM (
            SELECT seq, entry_id, currency, -amount_minor AS change_minor,
                   (-sum(amount_minor) OVER (PARTITION BY account_id ORDER BY seq))
                       ::bigint AS balance_minor
            FROM postings
            WHERE account_id IN (
                SELECT account_id FROM balances
                WHERE customer_id = $1 AND kind = 'customer_credit'
                  AND ($2::text IS NULL OR currency = $2)
            )
        ) m
        JOIN journal_entries e ON e.id = m.entry_id
        LEFT JOIN invoices i ON i.id = e.invoice_id
        LEFT JOIN payments p ON p.id = e.payment_id
        WHERE $3::bigint IS NULL OR m.seq < $3
        ORDER BY m.seq DESC LIMIT $4
        """,
        customer_id,
        currency,
        before,
        limit,
    )
    return [_movement(row) for row in rows]


async def count_movements(
    tx: Transaction, customer_id: UUID, currency: str | None
) -> int:
    return await tx.fetchval(
        """
        SELECT count(*) FROM postings p JOIN balances b USING (account_id)
        WHERE b.customer_id = $1 AND b.kind = 'customer_credit'
          AND ($2::text IS NULL OR b.currency = $2)
        """,
        customer_id,
        currency,
    )


async def sum_open_top_ups(
    tx: Transaction, customer_id: UUID, currency: str, on: date
) -> Money:
    """Return what the customer's unpaid top-ups would add.

    One that is overdue is taken for given up: it must not stand in the way for ever.
    """
    minor: int = await tx.fetchval(
        """
        SELECT coalesce(sum(total_minor - allocated_minor), 0)::bigint FROM invoices
        WHERE customer_id = $1 AND currency = $2 AND kind = 'top_up'
          AND status IN ('draft', 'open') AND due_on >= $3
        """,
        customer_id,
        currency,
        on,
    )
    return Money(minor, currency)


async def list_due(tx: Transaction, customer_id: UUID, on: date) -> list[UUID]:
    """Return the customer's invoices that take credit by `on`, oldest due first.

    Those with a payment clearing or an open finance ticket are left to that.
    """
    rows = await tx.fetch(
        """
        SELECT i.id FROM invoices i
        WHERE i.customer_id = $1 AND i.status = 'open' AND i.kind = 'service'
          AND i.due_on <= $2
          AND NOT EXISTS (SELECT FROM held_back_invoices h WHERE h.invoice_id = i.id)
        ORDER BY i.due_on, i.id
        """,
        customer_id,
        on,
    )
    return [row["id"] for row in rows]


async def list_owed(tx: Transaction, customer_id: UUID) -> list[Money]:
    """Return, for each currency, what remains of invoices that credit may pay."""
    rows = await tx.fetch(
        """
        SELECT currency, sum(total_minor - allocated_minor)::bigint AS remaining_minor
        FROM invoices
        WHERE customer_id = $1 AND status = 'open' AND kind = 'service'
        GROUP BY currency
        """,
        customer_id,
    )
    return [Money(row["remaining_minor"], row["currency"]) for row in rows]


def _movement(row: Record) -> Movement:
    currency = row["currency"]
    return Movement(
        seq=row["seq"],
        at=row["posted_at"],
        change=Money(row["change_minor"], currency),
        balance=Money(row["balance_minor"], currency),
        reason=CreditReason(row["credit_reason"]),
        invoice_id=row["invoice_id"],
        invoice_number=row["number"],
        payment_id=row["payment_id"],
        payment_reference=row["reference"],
    )
