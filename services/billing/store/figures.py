"""What is counted for operators; each reads an index over what is recent or waits."""

from datetime import date, datetime
from uuid import UUID

from chassis.db import Transaction


async def count_payments_since(
    tx: Transaction, least_id: UUID
) -> dict[tuple[str, str], int]:
    """Count payments from this id on, which tells their age, by method and status."""
    rows = await tx.fetch(
        """
        SELECT method, status, count(*) AS payments FROM payments
        WHERE id >= $1 GROUP BY method, status
        """,
        least_id,
    )
    return {(row["method"], row["status"]): row["payments"] for row in rows}


async def list_oldest_unresolved(tx: Transaction) -> dict[str, datetime]:
    """Return since when the oldest payment waits, by its status."""
    rows = await tx.fetch(
        """
        SELECT status, min(created_at) AS oldest FROM payments
        WHERE status IN ('awaiting_confirmation', 'clearing') GROUP BY status
        """
    )
    return {row["status"]: row["oldest"] for row in rows}


async def count_overdue_invoices(tx: Transaction, today: date) -> int:
    return await tx.fetchval(
        "SELECT count(*) FROM invoices WHERE status = 'open' AND due_on < $1", today
    )


async def count_customers_failed(tx: Transaction) -> int:
    """Count whom the last run failed for: one that changes nothing isn't kept."""
    return await tx.fetchval(
        """
        SELECT coalesce((
            SELECT (report->>'customers_failed')::integer FROM billing_runs
            ORDER BY started_at DESC, id DESC LIMIT 1
        ), 0)
        """
    )
