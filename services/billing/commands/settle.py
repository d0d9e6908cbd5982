"""The one way in for money: whatever brings it, here it is placed and posted."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from uuid import UUID

from chassis.db import Transaction
from chassis.errors import RuleViolated
from chassis.events import Event
from chassis.ids import uuid7
from contracts.events import billing
from services.billing.commands.events import invoice_state
from services.billing.commands.payment_events import (
    credit_changed,
    payment_succeeded,
    staff_task,
)
from services.billing.commands.services import renew_for_paid_invoice
from services.billing.domain import ledger
from services.billing.domain.invoices import Invoice, InvoiceStatus
from services.billing.domain.ledger import (
    AccountKind,
    Allocation,
    AllocationSource,
    CreditReason,
    Entry,
)
from services.billing.domain.payments import Payment, Split, split
from services.billing.domain.tasks import money_passed_over
from services.billing.store.balances import lock_balances
from services.billing.store.invoices import save_invoice
from services.billing.store.ledger import insert_entries


class NothingReceived(RuleViolated):
    """No money was received."""


async def settle(
    tx: Transaction,
    payment: Payment,
    invoices: Sequence[Invoice],
    *,
    awaited: Collection[UUID] = (),
    source: AccountKind = AccountKind.BANK,
    on: date,
    now: datetime,
) -> Split:
    """Place what a payment received: on open invoices, oldest due first, then credit.

    The caller has locked the customer and the invoices, and saved the payment. Where
    an invoice can't be paid any more, or another attempt is `awaited` for it, its share
    becomes credit and somebody has a look.
    """
    received = payment.received
    if received is None or not received.positive:
        raise NothingReceived(field="amount.amount")
    placed = split(received, invoices, awaited=awaited, on=on)
    balances = await lock_balances(tx, payment.customer_id, received.currency)
    about = invoices[0] if len(invoices) == 1 else None
    entry = _entry(payment, placed, source, about)
    await insert_entries(tx, [entry], _allocations(placed, entry), on=on, now=now)
    told: list[Event] = [
        invoice_state(await save_allocated(tx, part.invoice, on=on))
        for part in placed.parts
    ]
    if placed.credited.positive:
        told.append(credit_changed(balances.after(entry), entry, about=about))
    if placed.passed_over:
        told.append(_look(payment, placed))
    await tx.emit_many([*told, payment_succeeded(payment, placed, invoices)])
    return placed


async def save_allocated(tx: Transaction, invoice: Invoice, *, on: date) -> Invoice:
    """Save what an allocation made of an invoice; once it is paid, it renews."""
    await save_invoice(tx, invoice)
    if invoice.status is not InvoiceStatus.PAID:
        return invoice
    return await renew_for_paid_invoice(tx, invoice, on=on)


def _allocations(placed: Split, entry: Entry) -> list[Allocation]:
    return [
        Allocation(
            id=uuid7(),
            invoice_id=part.invoice.id,
            source=AllocationSource.PAYMENT,
            amount=part.amount,
            entry_id=entry.id,
            payment_id=entry.payment_id,
        )
        for part in placed.parts
    ]


def _entry(
    payment: Payment, placed: Split, source: AccountKind, about: Invoice | None
) -> Entry:
    return ledger.payment(
        uuid7(),
        customer_id=payment.customer_id,
        received=placed.received,
        allocated=placed.owed,
        source=source,
        payment_id=payment.id,
        invoice_id=about.id if about else None,
        reason=CreditReason.TOP_UP if placed.tops_up else CreditReason.OVERPAYMENT,
    )


def _look(payment: Payment, placed: Split) -> billing.StaffTaskRaised:
    task = money_passed_over(
        payment.reference,
        received=placed.received,
        credited=placed.credited,
        invoices=[invoice.number or str(invoice.id) for invoice in placed.passed_over],
    )
    return staff_task(
        task,
        customer_id=payment.customer_id,
        invoice_id=placed.passed_over[0].id,
    )
