"""The hash chain's rows, and the journal as it is recorded, ready to be hashed."""

from collections.abc import Sequence
from typing import Final, LiteralString
from uuid import UUID

from chassis.db import Record, Transaction
from services.billing.domain.seals import Recorded, Seal, search_from

_RECORDED: Final[LiteralString] = """
    SELECT e.id, e.kind, e.customer_id, e.invoice_id, e.payment_id, e.reverses_id,
           e.credit_reason, e.booked_on, e.posted_at, e.cause_id,
           (SELECT jsonb_agg(jsonb_build_array(p.seq, p.account_id, p.currency,
                                               p.amount_minor) ORDER BY p.seq)
            FROM postings p WHERE p.entry_id = e.id) AS postings
    FROM journal_entries e
"""


async def lock_chain(tx: Transaction) -> Seal | None:
    """Keep other sealers out until this transaction ends; return the chain's head."""
    # Not a lock on the table: that would fight with vacuum.
    await tx.execute(
        "SELECT pg_advisory_xact_lock(hashtext(current_schema() || '.journal_seals'))"
    )
    row = await tx.fetchrow(
        """
        SELECT position, entry_id, hash FROM journal_seals
        ORDER BY position DESC LIMIT 1
        """
    )
    return Seal(row["position"], row["entry_id"], row["hash"]) if row else None


async def list_unsealed(
    tx: Transaction, head: Seal | None, limit: int
) -> list[Recorded]:
    """Return committed entries that have no seal yet.

    Looks only where they can be: the journal before is sealed, and long.
    """
    rows = await tx.fetch(
        _RECORDED
        + """
        WHERE e.id > $1
          AND NOT EXISTS (SELECT FROM journal_seals s WHERE s.entry_id = e.id)
        ORDER BY e.id LIMIT $2
        """,
        search_from(head.entry_id) if head else UUID(int=0),
        limit,
    )
    return [_recorded(row) for row in rows]


async def insert_seals(tx: Transaction, seals: Sequence[Seal]) -> None:
    await tx.copy(
        "journal_seals",
        ("position", "entry_id", "hash"),
        [(seal.position, seal.entry_id, seal.hash) for seal in seals],
    )


async def list_sealed(
    tx: Transaction, after: int, limit: int
) -> list[tuple[Seal, Recorded | None]]:
    """Return a stretch of the chain, each seal with what it vouches for."""
    seals = await tx.fetch(
        """
        SELECT position, entry_id, hash FROM journal_seals
        WHERE position > $1 ORDER BY position LIMIT $2
        """,
        after,
        limit,
    )
    rows = await tx.fetch(
        _RECORDED + "WHERE e.id = ANY($1)", [row["entry_id"] for row in seals]
    )
    recorded = {row["id"]: _recorded(row) for row in rows}
    return [
        (
            Seal(row["position"], row["entry_id"], row["hash"]),
            recorded.get(row["entry_id"]),
        )
        for row in seals
    ]


async def list_forgotten(tx: Transaction, before: UUID, limit: int) -> list[UUID]:
    """Return entries with lesser ids that have no seal."""
    rows = await tx.fetch(
        """
        SELECT e.id FROM journal_entries e
        WHERE e.id < $1
          AND NOT EXISTS (SELECT FROM journal_seals s WHERE s.entry_id = e.id)
        ORDER BY e.id LIMIT $2
        """,
        before,
        limit,
    )
    return [row["id"] for row in rows]


def _recorded(row: Record) -> Recorded:
    *columns, postings = row.values()
    return Recorded(
        row["id"],
        tuple(None if value is None else str(value) for value in columns),
        tuple(
            (seq, account, currency, minor)
            for seq, account, currency, minor in (postings or ())
        ),
    )
