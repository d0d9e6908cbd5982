"""The ledger's own work: the issue of invoices is posted, entries are sealed."""

from collections.abc import Sequence
from datetime import date, datetime

from chassis.db import Transaction
from chassis.ids import uuid7
from services.billing.domain import ledger, seals
from services.billing.domain.invoices import Invoice
from services.billing.store.balances import lock_many
from services.billing.store.ledger import insert_entries
from services.billing.store.seals import insert_seals, list_unsealed, lock_chain


async def post_issue(
    tx: Transaction, invoices: Sequence[Invoice], *, on: date, now: datetime
) -> None:
    """Post the issue of invoices, many at once; their customers are locked already."""
    entries = [
        ledger.issue(uuid7(), invoice)
        for invoice in invoices
        if ledger.posts_at_issue(invoice)
    ]
    if entries:
        await lock_many(tx, [(entry.customer_id, entry.currency) for entry in entries])
        await insert_entries(tx, entries, on=on, now=now)


async def seal_entries(tx: Transaction, limit: int) -> int:
    """Give entries that have none their place in the hash chain; return how many."""
    head = await lock_chain(tx)
    unsealed = await list_unsealed(tx, head, limit)
    if unsealed:
        await insert_seals(tx, seals.extend(head, unsealed))
    return len(unsealed)
