"""Credit: added by top-ups, applied to invoices, taken on the due date, freed again."""

from datetime import date, datetime
from uuid import UUID

from chassis.db import Transaction
from chassis.ids import uuid7
from chassis.money import Money
from services.billing.commands.attempts import cancel_live_attempts
from services.billing.commands.events import invoice_state
from services.billing.commands.payment_events import credit_changed
from services.billing.commands.settle import save_allocated
from services.billing.domain import invoices as domain
from services.billing.domain import ledger
from services.billing.domain.credit import (
    CreditTerms,
    amount_on_due_date,
    amount_to_apply,
)
from services.billing.domain.invoices import Invoice
from services.billing.domain.ledger import Allocation, AllocationSource, CreditReason
from services.billing.domain.quotes import Quote
from services.billing.store.allocations import free_allocations, list_live
from services.billing.store.balances import get_credit, lock_balances
from services.billing.store.credit import list_due
from services.billing.store.customers import lock_customer
from services.billing.store.invoices import lock_invoices, save_invoice
from services.billing.store.ledger import insert_entries


async def apply_credit(
    tx: Transaction,
    *,
    customer_id: UUID,
    invoice_id: UUID,
    amount: Money | None,
    on: date,
    now: datetime,
) -> Invoice:
    """Pay an open invoice with credit, as far as it goes unless an amount is named."""
    await lock_customer(tx, customer_id)
    [invoice] = await lock_invoices(tx, customer_id, [invoice_id])
    held = await get_credit(tx, customer_id, invoice.currency)
    taken = amount_to_apply(invoice, held, amount)
    return await _take(tx, invoice, taken, CreditReason.APPLIED, on=on, now=now)


async def apply_available_credit(
    tx: Transaction, invoice: Invoice, *, on: date, now: datetime
) -> Invoice:
    """Pay a locked invoice with whatever credit there is; maybe there is none."""
    held = await get_credit(tx, invoice.customer_id, invoice.currency)
    if not (invoice.is_open and held.positive):
        return invoice
    taken = amount_to_apply(invoice, held, None)
    return await _take(tx, invoice, taken, CreditReason.APPLIED, on=on, now=now)


async def take_quoted_credit(
    tx: Transaction, quoted: Quote, *, on: date, now: datetime
) -> list[Invoice]:
    """Let credit pay its shares of locked invoices; return all, as they are then."""
    reason = CreditReason.APPLIED
    return [
        await _take(tx, share.invoice, share.credit, reason, on=on, now=now)
        if share.credit.positive
        else share.invoice
        for share in quoted.shares
    ]


async def take_credit_on_due_date(
    tx: Transaction,
    customer_id: UUID,
    *,
    terms: CreditTerms,
    on: date,
    booked_on: date,
    now: datetime,
) -> list[Invoice]:
    """Let a customer's invoices due by `on` take what they need, oldest first.

    Returns those that took some.
    """
    await lock_customer(tx, customer_id)
    due = await list_due(tx, customer_id, on)
    locked = {i.id: i for i in await lock_invoices(tx, customer_id, sorted(due))}
    changed: list[Invoice] = []
    for invoice in (locked[invoice_id] for invoice_id in due):
        held = await get_credit(tx, customer_id, invoice.currency)
        taken = amount_on_due_date(invoice, held, terms)
        if taken.positive:
            reason = CreditReason.AUTOMATIC
            changed.append(
                await _take(tx, invoice, taken, reason, on=booked_on, now=now)
            )
    return changed


async def unapply_credit(
    tx: Transaction, *, customer_id: UUID, invoice_id: UUID, on: date, now: datetime
) -> Invoice:
    """Give back the credit that pays a part of an open invoice, if any does."""
    await lock_customer(tx, customer_id)
    [invoice] = await lock_invoices(tx, customer_id, [invoice_id])
    live = [
        allocation
        for allocation in await list_live(tx, invoice_id)
        if allocation.source is AllocationSource.CREDIT
    ]
    if not live:
        return invoice
    amount = sum((a.amount for a in live), Money.zero(invoice.currency))
    freed = domain.free_credit(invoice, amount)
    await cancel_live_attempts(tx, [invoice_id])
    balances = await lock_balances(tx, customer_id, invoice.currency)
    entry = ledger.allocation_freed(uuid7(), invoice, amount)
    await insert_entries(tx, [entry], on=on, now=now)
    await free_allocations(tx, live, entry_id=entry.id, now=now)
    await save_invoice(tx, freed)
    after = balances.after(entry)
    await tx.emit_many(
        [invoice_state(freed), credit_changed(after, entry, about=freed)]
    )
    return freed


async def _take(
    tx: Transaction,
    invoice: Invoice,
    amount: Money,
    reason: CreditReason,
    *,
    on: date,
    now: datetime,
) -> Invoice:
    """Move the amount from credit to the invoice; what was asked of others is off."""
    await cancel_live_attempts(tx, [invoice.id])
    balances = await lock_balances(tx, invoice.customer_id, invoice.currency)
    entry = ledger.credit_applied(uuid7(), invoice, amount, reason)
    after = balances.after(entry)
    allocation = Allocation(
        id=uuid7(),
        invoice_id=invoice.id,
        source=AllocationSource.CREDIT,
        amount=amount,
        entry_id=entry.id,
    )
    await insert_entries(tx, [entry], [allocation], on=on, now=now)
    paid = await save_allocated(tx, domain.apply_credit(invoice, amount, on=on), on=on)
    change = credit_changed(after, entry, about=paid, remaining=paid.remaining)
    await tx.emit_many([change, invoice_state(paid)])
    return paid
