"""Allocations: what pays what, until it is freed; entries bring them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from chassis.db import Record, Transaction
from chassis.money import Money
from services.billing.domain.ledger import Allocation, AllocationSource

_LIVE: Final[LiteralString] = """
    SELECT a.id, a.invoice_id, a.source, a.amount_minor, i.currency, a.entry_id,
           a.payment_id
    FROM allocations a JOIN invoices i ON i.id = a.invoice_id
    WHERE a.freed_at IS NULL
"""


async def list_live(tx: Transaction, invoice_id: UUID) -> list[Allocation]:
    """Return what pays for the invoice now; its row is locked already."""
    rows = await tx.fetch(_LIVE + "AND a.invoice_id = $1 ORDER BY a.id", invoice_id)
    return [_allocation(row) for row in rows]


async def free_allocations(
    tx: Transaction,
    allocations: Sequence[Allocation],
    *,
    entry_id: UUID | None,
    now: datetime,
) -> None:
    """Mark them freed by that entry; by none where nothing had to be posted."""
    await tx.execute(
        """
        UPDATE allocations SET freed_at = $2, freed_entry_id = $3
        WHERE id = ANY($1) AND freed_at IS NULL
        """,
        [allocation.id for allocation in allocations],
        now,
        entry_id,
    )


def _allocation(row: Record) -> Allocation:
    return Allocation(
        id=row["id"],
        invoice_id=row["invoice_id"],
        source=AllocationSource(row["source"]),
        amount=Money(row["amount_minor"], row["currency"]),
        entry_id=row["entry_id"],
        payment_id=row["payment_id"],
    )
