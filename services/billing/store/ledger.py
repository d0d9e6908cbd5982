"""The journal: entries go in, with all that changes by them."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Final, LiteralString
from uuid import UUID

from chassis.context import current_cause
from chassis.db import Transaction
from services.billing.domain.ledger import Allocation, Entry, EntryKind

_INSERT: Final[LiteralString] = """
    WITH entries AS (
        INSERT INTO journal_entries (booked_on, posted_at, cause_id, id, kind,
                                     customer_id, invoice_id, payment_id,
                                     reverses_id, credit_reason)
        SELECT $1::date, $2::timestamptz, $3::text, e.*
        FROM unnest($4::uuid[], $5::text[], $6::uuid[], $7::uuid[], $8::uuid[],
                    $9::uuid[], $10::text[]) AS e
    ), kept AS (
        UPDATE balances b
        SET balance_minor = b.balance_minor + c.change_minor,
            version = b.version + c.changes
        FROM unnest($11::uuid[], $12::bigint[], $13::bigint[])
            AS c (account_id, change_minor, changes)
        WHERE b.account_id = c.account_id
    ), allocated AS (
        INSERT INTO allocations (created_at, cause_id, id, invoice_id, source,
                                 amount_minor, entry_id, payment_id)
        SELECT $2::timestamptz, $3::text, a.*
        FROM unnest($18::uuid[], $19::uuid[], $20::text[], $21::bigint[],
                    $22::uuid[], $23::uuid[]) AS a
    )
    INSERT INTO postings (entry_id, account_id, currency, amount_minor)
    SELECT * FROM unnest($14::uuid[], $15::uuid[], $16::text[], $17::bigint[])
"""


async def insert_entries(
    tx: Transaction,
    entries: Sequence[Entry],
    allocations: Sequence[Allocation] = (),
    *,
    on: date,
    now: datetime,
) -> None:
    """Insert entries, and what they allocate; their customers' balances are locked.

    One statement, so that postings, kept balances and allocations can't come apart.
    """
    await tx.execute(
        _INSERT,
        on,
        now,
        current_cause().cause_id,
        *_entry_columns(entries),
        *_balance_columns(entries),
        *_posting_columns(entries),
        *_allocation_columns(allocations),
    )


async def get_issue_id(tx: Transaction, invoice_id: UUID) -> UUID:
    """Return the entry that posted the invoice's issue."""
    return await tx.fetchval(
        "SELECT id FROM journal_entries WHERE invoice_id = $1 AND kind = $2",
        invoice_id,
        EntryKind.ISSUE,
    )


def _columns(rows: Iterable[Sequence[object]], count: int) -> list[list[object]]:
    """Turn rows into the arrays that unnest takes."""
    return [list(column) for column in zip(*rows, strict=True)] or [[]] * count


def _entry_columns(entries: Sequence[Entry]) -> list[list[object]]:
    return _columns(
        (
            (
                *(e.id, e.kind, e.customer_id, e.invoice_id, e.payment_id),
                *(e.reverses_id, e.credit_reason),
            )
            for e in entries
        ),
        7,
    )


def _posting_columns(entries: Sequence[Entry]) -> list[list[object]]:
    return _columns(
        (
            (entry.id, line.account.id, line.account.currency, line.amount.minor)
            for entry in entries
            for line in entry.postings
        ),
        4,
    )


def _allocation_columns(allocations: Sequence[Allocation]) -> list[list[object]]:
    return _columns(
        (
            (a.id, a.invoice_id, a.source, a.amount.minor, a.entry_id, a.payment_id)
            for a in allocations
        ),
        6,
    )


def _balance_columns(entries: Sequence[Entry]) -> list[list[object]]:
    """Return what each customer's account changes by, in its normal sign."""
    changes: dict[UUID, tuple[int, int]] = {}
    for entry in entries:
        for account, change in entry.balance_changes():
            minor, count = changes.get(account.id, (0, 0))
            changes[account.id] = (minor + change.minor, count + 1)
    return _columns(((id_, *change) for id_, change in changes.items()), 3)
