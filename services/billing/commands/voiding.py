"""Voiding an invoice: what had paid it is credit again, what it charged is reversed."""

from datetime import date, datetime
from uuid import UUID

from chassis import audit
from chassis.db import Transaction
from chassis.ids import uuid7
from chassis.money import Money
from contracts.events import billing
from services.billing.commands.attempts import cancel_live_attempts
from services.billing.commands.events import invoice_event
from services.billing.commands.payment_events import credit_changed
from services.billing.commands.services import release_for_void_invoice
from services.billing.domain import invoices as domain
from services.billing.domain import ledger
from services.billing.domain.invoices import Invoice
from services.billing.store.allocations import free_allocations, list_live
from services.billing.store.balances import lock_balances
from services.billing.store.customers import lock_customer
from services.billing.store.invoices import get_invoice, lock_invoices, save_invoice
from services.billing.store.ledger import get_issue_id, insert_entries


async def void_invoice(
    tx: Transaction, invoice_id: UUID, *, on: date, now: datetime
) -> Invoice:
    """Make a draft or open invoice void; its customer is locked already.

    Its periods may be invoiced again, and an order that waited for its payment is
    cancelled.
    """
    [invoice] = await lock_invoices(tx, None, [invoice_id])
    voided = domain.void(invoice)
    await cancel_live_attempts(tx, [invoice.id])
    if invoice.is_open and ledger.posts_at_issue(invoice):
        await _reverse(tx, invoice, on=on, now=now)
    else:
        await _let_go(tx, invoice, now=now)
    await save_invoice(tx, voided)
    await release_for_void_invoice(tx, voided, on=on)
    await tx.emit(invoice_event(billing.InvoiceVoided, voided))
    return voided


async def void_by_staff(
    tx: Transaction, invoice_id: UUID, *, reason: str, on: date, now: datetime
) -> Invoice:
    """Void an invoice because a person said so, and why."""
    known = await get_invoice(tx, None, invoice_id)
    await lock_customer(tx, known.customer_id)
    voided = await void_invoice(tx, invoice_id, on=on, now=now)
    await audit.record(
        tx,
        "invoice.voided",
        subject=invoice_id,
        customer_id=voided.customer_id,
        details={"number": voided.number, "reason": reason},
    )
    return voided


async def _reverse(
    tx: Transaction, invoice: Invoice, *, on: date, now: datetime
) -> None:
    """Turn what was paid into credit, then take back what the issue posted."""
    live = await list_live(tx, invoice.id)
    balances = await lock_balances(tx, invoice.customer_id, invoice.currency)
    reversal = ledger.void(uuid7(), invoice, await get_issue_id(tx, invoice.id))
    if not live:
        await insert_entries(tx, [reversal], on=on, now=now)
        return
    paid = sum((a.amount for a in live), Money.zero(invoice.currency))
    freed = ledger.allocation_freed(uuid7(), invoice, paid)
    await insert_entries(tx, [freed, reversal], on=on, now=now)
    await free_allocations(tx, live, entry_id=freed.id, now=now)
    await tx.emit(credit_changed(balances.after(freed), freed, about=invoice))


async def _let_go(tx: Transaction, invoice: Invoice, *, now: datetime) -> None:
    """A draft was never posted, and a top-up's money is credit from the start."""
    live = await list_live(tx, invoice.id)
    await free_allocations(tx, live, entry_id=None, now=now)
