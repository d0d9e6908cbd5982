"""Making invoices: drafted, numbered without gaps, frozen, posted and announced."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from chassis.db import Transaction
from chassis.ids import uuid7
from contracts.events import billing
from services.billing.commands import ledger
from services.billing.commands.events import (
    invoice_event,
    invoice_issued,
)
from services.billing.commands.services import renew_for_paid_invoice
from services.billing.domain.customers import Customer, buyer
from services.billing.domain.invoices import (
    Invoice,
    InvoiceKind,
    InvoiceStatus,
    NewLine,
    Party,
    draft,
    issue,
)
from services.billing.store.invoices import (
    insert_invoices,
    lock_drafts,
    save_invoice,
)
from services.billing.store.series import reserve_numbers

SERIES = "invoice"


async def create_invoice(
    tx: Transaction,
    *,
    customer: Customer,
    kind: InvoiceKind,
    currency: str,
    lines: Sequence[NewLine],
    due_on: date,
    seller: Party,
    order_id: UUID | None = None,
    on: date,
    now: datetime,
) -> Invoice:
    """Put these charges on an invoice to a locked customer.

    It is issued at once, or waits as a draft until the buyer's details arrive.
    """
    invoice = draft_invoice(
        customer,
        kind=kind,
        currency=currency,
        lines=lines,
        due_on=due_on,
        order_id=order_id,
        now=now,
    )
    if customer.known:
        issued = await issue_new(
            tx, [(invoice, customer)], seller=seller, on=on, now=now
        )
        return issued[0]
    await insert_invoices(tx, [invoice])
    await tx.emit(invoice_event(billing.InvoiceDrafted, invoice))
    return invoice


def draft_invoice(
    customer: Customer,
    *,
    kind: InvoiceKind,
    currency: str,
    lines: Sequence[NewLine],
    due_on: date,
    order_id: UUID | None = None,
    now: datetime,
) -> Invoice:
    """Compose an invoice, and write nothing."""
    return draft(
        uuid7(),
        customer_id=customer.id,
        kind=kind,
        currency=currency,
        lines=[(uuid7(), line) for line in lines],
        due_on=due_on,
        order_id=order_id,
        now=now,
    )


async def issue_new(
    tx: Transaction,
    drafts: Sequence[tuple[Invoice, Customer]],
    *,
    seller: Party,
    on: date,
    now: datetime,
) -> list[Invoice]:
    """Issue invoices that aren't written yet, to known and locked customers."""
    if not drafts:
        return []
    await ledger.post_issue(tx, [invoice for invoice, _ in drafts], on=on, now=now)
    issued = await _number(tx, drafts, seller=seller, on=on)
    await insert_invoices(tx, issued)
    return await _announce(tx, issued, on=on)


async def issue_drafts(
    tx: Transaction, customer: Customer, *, seller: Party, on: date, now: datetime
) -> list[Invoice]:
    """Issue what waited for the details of a customer, who is known and locked now."""
    drafts = await lock_drafts(tx, customer.id)
    if not drafts:
        return []
    await ledger.post_issue(tx, drafts, on=on, now=now)
    issued = await _number(
        tx, [(invoice, customer) for invoice in drafts], seller=seller, on=on
    )
    for invoice in issued:
        await save_invoice(tx, invoice)
    return await _announce(tx, issued, on=on)


async def _number(
    tx: Transaction,
    drafts: Sequence[tuple[Invoice, Customer]],
    *,
    seller: Party,
    on: date,
) -> list[Invoice]:
    # Everybody waits for the series' row from here to the commit: take it last.
    numbers = await reserve_numbers(tx, SERIES, year=on.year, count=len(drafts))
    return [
        issue(
            invoice,
            number=f"{on.year}-{number:06d}",
            buyer=buyer(customer),
            seller=seller,
            on=on,
        )
        for number, (invoice, customer) in zip(numbers, drafts, strict=True)
    ]


async def _announce(
    tx: Transaction, issued: Sequence[Invoice], *, on: date
) -> list[Invoice]:
    """Tell of the invoices; those that ask for nothing are paid, and begin at once."""
    told: list[Invoice] = []
    events: list[billing.InvoiceState] = []
    for invoice in issued:
        if invoice.status is InvoiceStatus.PAID:
            told.append(await renew_for_paid_invoice(tx, invoice, on=on))
            events.append(invoice_event(billing.InvoicePaid, told[-1]))
        else:
            told.append(invoice)
            events.append(invoice_issued(invoice))
    await tx.emit_many(events)
    return told
