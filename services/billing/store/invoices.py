"""Invoices with their lines; a line's dates are those of the period it pays for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Final, LiteralString, TypeAlias, TypedDict
from uuid import UUID

from pydantic_core import from_json

from chassis.context import current_cause
from chassis.db import Record, Transaction
from chassis.errors import NotFound
from chassis.money import Money
from services.billing.domain.invoices import (
    Invoice,
    InvoiceKind,
    InvoiceStatus,
    Line,
    LineKind,
    Party,
)

#: Parties on invoices, read already; the same few are read over and over.
KEPT_PARTIES = 1000

_INVOICES: Final[LiteralString] = """
    SELECT i.id, i.customer_id, i.order_id, i.kind, i.status, i.number, i.currency,
           i.subtotal_minor, i.tax_minor, i.total_minor, i.allocated_minor,
           i.issued_on, i.due_on, i.paid_on, i.buyer::text, i.seller::text,
           i.created_at, i.version,
           CASE WHEN i.allocated_minor = 0 THEN 0 ELSE
               (SELECT coalesce(sum(a.amount_minor), 0)::bigint FROM allocations a
                WHERE a.invoice_id = i.id AND a.source = 'credit'
                  AND a.freed_at IS NULL)
           END AS credit_minor,
           ARRAY(SELECT ROW(l.id, l.position, l.kind, l.service_id, l.description,
                            l.quantity, l.unit_minor, l.subtotal_minor, l.tax_minor,
                            l.total_minor, l.tax_rate_bp, p.starts_on, p.ends_on)
                 FROM invoice_lines l LEFT JOIN service_periods p ON p.line_id = l.id
                 WHERE l.invoice_id = i.id ORDER BY l.position) AS lines
    FROM invoices i
"""
_CHOSEN: Final[LiteralString] = (
    _INVOICES
    + """
    WHERE i.id = ANY($1) AND ($2::uuid IS NULL OR i.customer_id = $2)
    ORDER BY i.id
    """
)
_INVOICE_COLUMNS = (
    *("id", "customer_id", "order_id", "kind", "status", "number", "currency"),
    *("subtotal_minor", "tax_minor", "total_minor", "allocated_minor", "issued_on"),
    *("due_on", "paid_on", "buyer", "seller", "created_at", "version", "cause_id"),
)
_LINE_COLUMNS = (
    *("id", "invoice_id", "position", "kind", "service_id", "description"),
    *("quantity", "unit_minor", "subtotal_minor", "tax_rate_bp", "tax_minor"),
    "total_minor",
)


#: A line's columns as the query above puts them into a record, which has no names.
_LineValues: TypeAlias = tuple[
    UUID,
    int,
    str,
    UUID | None,
    str,
    int,
    int,
    int,
    int,
    int,
    int,
    date | None,
    date | None,
]


class _PartyJson(TypedDict):
    """A buyer or seller, frozen."""

    name: str
    company: str | None
    tax_id: str | None
    email: str | None
    country: str | None
    language: str
    address: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceFilter:
    """Which invoices a list shows; None means all."""

    scope: UUID | None
    statuses: Sequence[InvoiceStatus] | None = None
    number: str | None = None


async def get_invoice(tx: Transaction, scope: UUID | None, invoice_id: UUID) -> Invoice:
    [invoice] = await get_invoices(tx, scope, [invoice_id])
    return invoice


async def get_invoices(
    tx: Transaction, scope: UUID | None, invoice_ids: Sequence[UUID]
) -> list[Invoice]:
    """Return the invoices in id order; any that is missing or foreign is NotFound."""
    rows = await tx.fetch(_CHOSEN, list(invoice_ids), scope)
    return _all_of(invoice_ids, rows)


async def lock_invoices(
    tx: Transaction, scope: UUID | None, invoice_ids: Sequence[UUID]
) -> list[Invoice]:
    """Lock the invoices in id order; any that is missing or foreign is NotFound."""
    rows = await tx.fetch(_CHOSEN + " FOR UPDATE OF i", list(invoice_ids), scope)
    return _all_of(invoice_ids, rows)


async def list_invoices(
    tx: Transaction,
    wanted: InvoiceFilter,
    *,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Invoice]:
    """Return the newest first, from where a page before ended."""
    rows = await tx.fetch(
        _INVOICES
        + """
        WHERE ($1::uuid IS NULL OR i.customer_id = $1)
          AND ($2::text[] IS NULL OR i.status = ANY($2))
          AND ($3::text IS NULL OR i.number = $3)
          AND ($4::timestamptz IS NULL OR (i.created_at, i.id) < ($4, $5))
        ORDER BY i.created_at DESC, i.id DESC LIMIT $6
        """,
        wanted.scope,
        wanted.statuses,
        wanted.number,
        *(before or (None, None)),
        limit,
    )
    return [_invoice(row) for row in rows]


async def count_invoices(tx: Transaction, wanted: InvoiceFilter) -> int:
    return await tx.fetchval(
        """
        SELECT count(*) FROM invoices i
        WHERE ($1::uuid IS NULL OR i.customer_id = $1)
          AND ($2::text[] IS NULL OR i.status = ANY($2))
          AND ($3::text IS NULL OR i.number = $3)
        """,
        wanted.scope,
        wanted.statuses,
        wanted.number,
    )


async def lock_drafts(tx: Transaction, customer_id: UUID) -> list[Invoice]:
    """Lock the invoices that wait for the customer's details, oldest first."""
    rows = await tx.fetch(
        _INVOICES
        + """
        WHERE i.customer_id = $1 AND i.status = 'draft'
        ORDER BY i.id FOR UPDATE OF i
        """,
        customer_id,
    )
    return [_invoice(row) for row in rows]


async def list_invoices_after(
    tx: Transaction, after: UUID | None, limit: int
) -> list[Invoice]:
    """Return invoices in id order, for their state to be told again."""
    rows = await tx.fetch(
        _INVOICES + "WHERE ($1::uuid IS NULL OR i.id > $1) ORDER BY i.id LIMIT $2",
        after,
        limit,
    )
    return [_invoice(row) for row in rows]


async def list_outstanding(
    tx: Transaction, scope: UUID | None
) -> list[tuple[Money, int]]:
    """Return, for each currency, what remains of the open invoices and their number."""
    rows = await tx.fetch(
        """
        SELECT currency, sum(total_minor - allocated_minor)::bigint AS remaining_minor,
               count(*) AS invoices
        FROM invoices
        WHERE status = 'open' AND ($1::uuid IS NULL OR customer_id = $1)
        GROUP BY currency ORDER BY currency
        """,
        scope,
    )
    return [
        (Money(row["remaining_minor"], row["currency"]), row["invoices"])
        for row in rows
    ]


async def insert_invoices(tx: Transaction, invoices: Sequence[Invoice]) -> None:
    """Write new invoices with their lines, and the periods that these pay for."""
    cause_id = current_cause().cause_id
    lines = [(invoice, line) for invoice in invoices for line in invoice.lines]
    await tx.copy(
        "invoices", _INVOICE_COLUMNS, [_invoice_row(i, cause_id) for i in invoices]
    )
    await tx.copy(
        "invoice_lines", _LINE_COLUMNS, [_line_row(i, line) for i, line in lines]
    )
    await insert_periods(tx, [line for _, line in lines if line.period_start])


async def insert_periods(tx: Transaction, lines: Sequence[Line]) -> None:
    """Note that these lines pay for their periods; each is invoiced once."""
    if not lines:
        return
    # Not by COPY, which takes more round trips: mostly there is one line.
    await tx.execute(
        """
        INSERT INTO service_periods (cause_id, service_id, starts_on, ends_on, line_id)
        SELECT $1::text, p.*
        FROM unnest($2::uuid[], $3::date[], $4::date[], $5::uuid[]) AS p
        """,
        current_cause().cause_id,
        [line.service_id for line in lines],
        [line.period_start for line in lines],
        [line.period_end for line in lines],
        [line.id for line in lines],
    )


async def delete_periods(tx: Transaction, invoice_id: UUID) -> None:
    """Release what a void invoice was to pay for."""
    await tx.execute(
        """
        DELETE FROM service_periods p USING invoice_lines l
        WHERE l.id = p.line_id AND l.invoice_id = $1
        """,
        invoice_id,
    )


async def save_invoice(tx: Transaction, invoice: Invoice) -> None:
    """Write what may change after an invoice was made; its lines never do."""
    await tx.execute(
        """
        UPDATE invoices
        SET status = $2, number = $3, allocated_minor = $4, issued_on = $5,
            paid_on = $6, buyer = $7, seller = $8, version = $9
        WHERE id = $1
        """,
        invoice.id,
        invoice.status,
        invoice.number,
        invoice.allocated.minor,
        invoice.issued_on,
        invoice.paid_on,
        _party_json(invoice.buyer),
        _party_json(invoice.seller),
        invoice.version,
    )


def _all_of(invoice_ids: Sequence[UUID], rows: Sequence[Record]) -> list[Invoice]:
    if len(rows) != len(set(invoice_ids)):
        raise NotFound
    return [_invoice(row) for row in rows]


def _invoice(row: Record) -> Invoice:
    currency = row["currency"]
    return Invoice(
        id=row["id"],
        customer_id=row["customer_id"],
        kind=InvoiceKind(row["kind"]),
        status=InvoiceStatus(row["status"]),
        currency=currency,
        subtotal=Money(row["subtotal_minor"], currency),
        tax=Money(row["tax_minor"], currency),
        total=Money(row["total_minor"], currency),
        allocated=Money(row["allocated_minor"], currency),
        credit_applied=Money(row["credit_minor"], currency),
        due_on=row["due_on"],
        created_at=row["created_at"],
        version=row["version"],
        order_id=row["order_id"],
        number=row["number"],
        issued_on=row["issued_on"],
        paid_on=row["paid_on"],
        buyer=_party(row["buyer"]),
        seller=_party(row["seller"]),
        lines=tuple([_line(values, currency) for values in row["lines"]]),
    )


def _line(values: _LineValues, currency: str) -> Line:
    (line_id, position, kind, service_id, description, quantity) = values[:6]
    unit_minor, subtotal_minor, tax_minor, total_minor, tax_rate_bp = values[6:11]
    period_start, period_end = values[11:]
    return Line(
        id=line_id,
        position=position,
        kind=LineKind(kind),
        service_id=service_id,
        description=description,
        quantity=quantity,
        unit=Money(unit_minor, currency),
        subtotal=Money(subtotal_minor, currency),
        tax=Money(tax_minor, currency),
        total=Money(total_minor, currency),
        tax_rate_bp=tax_rate_bp,
        period_start=period_start,
        period_end=period_end,
    )


def _party(text: str | None) -> Party | None:
    return None if text is None else _party_of(text)


@lru_cache(maxsize=KEPT_PARTIES)
def _party_of(text: str) -> Party:
    # One seller is on all invoices, one buyer on all that a customer asks for.
    json: _PartyJson = from_json(text)
    return Party(
        name=json["name"],
        company=json["company"],
        tax_id=json["tax_id"],
        email=json["email"],
        country=json["country"],
        language=json["language"],
        address=tuple(json["address"]),
    )


def _party_json(party: Party | None) -> _PartyJson | None:
    if party is None:
        return None
    return _PartyJson(
        name=party.name,
        company=party.company,
        tax_id=party.tax_id,
        email=party.email,
        country=party.country,
        language=party.language,
        address=list(party.address),
    )


def _invoice_row(invoice: Invoice, cause_id: str) -> tuple[object, ...]:
    return (
        invoice.id,
        invoice.customer_id,
        invoice.order_id,
        invoice.kind,
        invoice.status,
        invoice.number,
        invoice.currency,
        invoice.subtotal.minor,
        invoice.tax.minor,
        invoice.total.minor,
        invoice.allocated.minor,
        invoice.issued_on,
        invoice.due_on,
        invoice.paid_on,
        _party_json(invoice.buyer),
        _party_json(invoice.seller),
        invoice.created_at,
        invoice.version,
        cause_id,
    )


def _line_row(invoice: Invoice, line: Line) -> tuple[object, ...]:
    return (
        line.id,
        invoice.id,
        line.position,
        line.kind,
        line.service_id,
        line.description,
        line.quantity,
        line.unit.minor,
        line.subtotal.minor,
        line.tax_rate_bp,
        line.tax.minor,
        line.total.minor,
    )
