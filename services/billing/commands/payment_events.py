"""What payments, credit and staff tasks look like in the events that tell of them."""

from collections.abc import Sequence
from uuid import UUID

from chassis.http.problems import values_of
from chassis.ids import uuid7
from chassis.money import Money
from contracts.events import billing
from contracts.money import MoneyModel
from services.billing.domain.invoices import Invoice
from services.billing.domain.ledger import Balances, CreditReason, Entry
from services.billing.domain.payments import Part, Payment, Split
from services.billing.domain.tasks import Task


def payment_started(
    payment: Payment, invoices: Sequence[Invoice], instructions: str
) -> billing.PaymentStarted:
    """Tell how and how much a customer is about to pay."""
    numbers = {invoice.id: invoice.number for invoice in invoices}
    return billing.PaymentStarted(
        payment_id=payment.id,
        version=payment.version,
        customer_id=payment.customer_id,
        method=payment.method,
        status=payment.status,
        amount=MoneyModel.of(payment.amount),
        reference=payment.reference,
        shares=[
            billing.PaymentShare(
                invoice_id=share.invoice_id,
                number=numbers[share.invoice_id],
                amount=MoneyModel.of(share.asked),
                remaining=MoneyModel.of(share.asked),
            )
            for share in payment.shares
        ],
        instructions=instructions,
    )


def payment_cancelled(payment: Payment) -> billing.PaymentCancelled:
    """Tell that nothing is awaited for this attempt any more."""
    return billing.PaymentCancelled(
        payment_id=payment.id,
        version=payment.version,
        customer_id=payment.customer_id,
        method=payment.method,
        status=payment.status,
        amount=MoneyModel.of(payment.amount),
        reference=payment.reference,
        shares=[],
    )


def payment_succeeded(
    payment: Payment, placed: Split, invoices: Sequence[Invoice]
) -> billing.PaymentSucceeded:
    """Tell what was received, and what it did for each invoice it was meant for."""
    nothing = Money.zero(payment.currency)
    parts = {part.invoice.id: part for part in placed.parts}
    shares = [parts.get(i.id, Part(i, nothing)) for i in invoices]
    return billing.PaymentSucceeded(
        payment_id=payment.id,
        version=payment.version,
        customer_id=payment.customer_id,
        method=payment.method,
        status=payment.status,
        amount=MoneyModel.of(payment.amount),
        reference=payment.reference,
        shares=[
            billing.PaymentShare(
                invoice_id=share.invoice.id,
                number=share.invoice.number,
                amount=MoneyModel.of(share.amount),
                remaining=MoneyModel.of(share.invoice.remaining),
            )
            for share in shares
        ],
        received=MoneyModel.of(placed.received),
        credited=MoneyModel.of(placed.credited),
        ticket_id=payment.ticket_id,
        confirmed_by=payment.confirmed_by,
    )


def credit_changed(
    balances: Balances,
    entry: Entry,
    *,
    about: Invoice | None = None,
    remaining: Money | None = None,
) -> billing.CreditChanged:
    """Tell how an entry moved a customer's credit, and what it is since.

    `remaining` is what is left to pay on the invoice it is about.
    """
    return billing.CreditChanged(
        account_id=balances.credit_account_id,
        version=balances.credit_version,
        customer_id=balances.customer_id,
        change=MoneyModel.of(entry.credited),
        balance=MoneyModel.of(balances.credit),
        reason=CreditReason(entry.credit_reason),
        invoice_id=about.id if about else None,
        invoice_number=about.number if about else None,
        invoice_remaining=MoneyModel.of(remaining) if remaining else None,
    )


def staff_task(
    task: Task, *, customer_id: UUID, invoice_id: UUID | None
) -> billing.StaffTaskRaised:
    """Ask finance to look at something."""
    return billing.StaffTaskRaised(
        task_id=uuid7(),
        version=1,
        customer_id=customer_id,
        department="finance",
        title=str(task.title),
        details=str(task.details),
        invoice_id=invoice_id,
        title_template=task.title.template,
        details_template=task.details.template,
        values={**values_of(task.title), **values_of(task.details)},
    )
