"""Payments, and the shares that they ask for invoices."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from chassis.context import current_cause
from chassis.db import Record, Transaction, violations_as
from chassis.errors import NotFound, Unavailable
from chassis.money import Money
from services.billing.domain.payments import (
    BankReferenceUsed,
    Payment,
    PaymentMethod,
    PaymentStatus,
    Share,
)

_PAYMENTS: Final[LiteralString] = """
    SELECT p.id, p.customer_id, p.method, p.status, p.currency, p.amount_minor,
           p.received_minor, p.reference, p.bank_account, p.bank_reference,
           p.ticket_id, p.confirmed_by, p.succeeded_at, p.created_at, p.version,
           (SELECT jsonb_agg(jsonb_build_array(s.invoice_id, s.asked_minor, (
                       SELECT coalesce(sum(a.amount_minor), 0) FROM allocations a
                       WHERE a.payment_id = p.id AND a.invoice_id = s.invoice_id
                         AND a.freed_at IS NULL
                   )) ORDER BY s.invoice_id)
            FROM payment_shares s WHERE s.payment_id = p.id) AS shares
    FROM payments p
"""
_LIVE_ONES: Final[LiteralString] = """
    WHERE p.id IN (SELECT payment_id FROM payment_shares
                   WHERE live AND invoice_id = ANY($1))
    ORDER BY p.id FOR UPDATE OF p
"""
_COUNT: Final[LiteralString] = "SELECT count(*) FROM payments p"
_WANTED: Final[LiteralString] = """
    WHERE ($1::uuid IS NULL OR p.customer_id = $1)
      AND ($2::text[] IS NULL OR p.status = ANY($2))
      AND ($3::uuid IS NULL OR EXISTS (
          SELECT FROM payment_shares s WHERE s.payment_id = p.id AND s.invoice_id = $3))
      AND ($4::text IS NULL OR p.reference LIKE $4)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFilter:
    """Which payments a list shows; None means all."""

    scope: UUID | None
    statuses: Sequence[PaymentStatus] | None = None
    invoice_id: UUID | None = None
    #: The beginning of a reference.
    reference: str | None = None

    @property
    def values(self) -> tuple[object, ...]:
        like = f"{_literally(self.reference)}%" if self.reference else None
        return (self.scope, self.statuses, self.invoice_id, like)


async def get_payment(tx: Transaction, scope: UUID | None, payment_id: UUID) -> Payment:
    row = await tx.fetchrow(
        _PAYMENTS + "WHERE p.id = $1 AND ($2::uuid IS NULL OR p.customer_id = $2)",
        payment_id,
        scope,
    )
    if row is None:
        raise NotFound
    return _payment(row)


async def lock_payer(tx: Transaction, payment_id: UUID) -> None:
    """Lock the customer whose payment it is, and thereby what becomes of it."""
    locked: UUID | None = await tx.fetchval(
        """
        SELECT c.id FROM payments p JOIN customers c ON c.id = p.customer_id
        WHERE p.id = $1 FOR UPDATE OF c
        """,
        payment_id,
    )
    if locked is None:
        raise NotFound


async def lock_live_attempts(
    tx: Transaction, invoice_ids: Sequence[UUID]
) -> list[Payment]:
    """Lock, in id order, the unresolved payments that ask for any of the invoices."""
    rows = await tx.fetch(
        _PAYMENTS + _LIVE_ONES,
        list(invoice_ids),
    )
    return [_payment(row) for row in rows]


async def list_payments(
    tx: Transaction,
    wanted: PaymentFilter,
    *,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Payment]:
    """Return the newest first, from where a page before ended."""
    rows = await tx.fetch(
        _PAYMENTS
        + _WANTED
        + """
          AND ($5::timestamptz IS NULL OR (p.created_at, p.id) < ($5, $6))
        ORDER BY p.created_at DESC, p.id DESC LIMIT $7
        """,
        *wanted.values,
        *(before or (None, None)),
        limit,
    )
    return [_payment(row) for row in rows]


async def count_payments(tx: Transaction, wanted: PaymentFilter) -> int:
    return await tx.fetchval(_COUNT + _WANTED, *wanted.values)


async def has_drafts(
    tx: Transaction, scope: UUID | None, invoice_ids: Sequence[UUID]
) -> bool:
    """Whether any of these invoices can't be paid yet, not being issued."""
    return await tx.fetchval(
        """
        SELECT EXISTS (
            SELECT FROM invoices
            WHERE id = ANY($1) AND status = 'draft'
              AND ($2::uuid IS NULL OR customer_id = $2))
        """,
        list(invoice_ids),
        scope,
    )


async def insert_payment(tx: Transaction, payment: Payment) -> None:
    """Write down a new attempt, whose shares are live from now on."""
    with violations_as(payments_reference_key=Unavailable("reference taken")):
        await tx.execute(
            """
            INSERT INTO payments (id, customer_id, method, status, currency,
                                  amount_minor, reference, created_at, version,
                                  cause_id)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
            """,
            payment.id,
            payment.customer_id,
            payment.method,
            payment.status,
            payment.currency,
            payment.amount.minor,
            payment.reference,
            payment.created_at,
            payment.version,
            current_cause().cause_id,
        )
    await tx.execute(
        """
        INSERT INTO payment_shares (payment_id, live, invoice_id, asked_minor)
        SELECT $1, true, s.* FROM unnest($2::uuid[], $3::bigint[]) AS s
        """,
        payment.id,
        list(payment.invoice_ids),
        [share.asked.minor for share in payment.shares],
    )


async def save_payment(tx: Transaction, payment: Payment) -> None:
    """Write what came of a payment; resolved, it frees its invoices for another."""
    used = BankReferenceUsed(field="bank_reference")
    with violations_as(payments_bank_reference_key=used):
        await tx.execute(
            """
            WITH shares AS (
                UPDATE payment_shares SET live = $10
                WHERE payment_id = $1 AND live <> $10
            )
            UPDATE payments
            SET status = $2, received_minor = $3, bank_account = $4,
                bank_reference = $5, ticket_id = $6, confirmed_by = $7,
                succeeded_at = $8, version = $9
            WHERE id = $1
            """,
            payment.id,
            payment.status,
            payment.received.minor if payment.received else None,
            payment.bank_account,
            payment.bank_reference,
            payment.ticket_id,
            payment.confirmed_by,
            payment.succeeded_at,
            payment.version,
            payment.is_live,
        )


def _literally(text: str) -> str:
    """Take LIKE's own characters for what they are."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _payment(row: Record) -> Payment:
    currency = row["currency"]
    received = row["received_minor"]
    return Payment(
        id=row["id"],
        customer_id=row["customer_id"],
        method=PaymentMethod(row["method"]),
        status=PaymentStatus(row["status"]),
        amount=Money(row["amount_minor"], currency),
        reference=row["reference"],
        shares=tuple(
            Share(UUID(invoice_id), Money(asked, currency), Money(paid, currency))
            for invoice_id, asked, paid in row["shares"]
        ),
        created_at=row["created_at"],
        version=row["version"],
        received=None if received is None else Money(received, currency),
        bank_account=row["bank_account"],
        bank_reference=row["bank_reference"],
        ticket_id=row["ticket_id"],
        confirmed_by=row["confirmed_by"],
        succeeded_at=row["succeeded_at"],
    )
