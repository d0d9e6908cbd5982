"""Events of billing: services, invoices, payments, credit, clock and staff tasks."""

from datetime import date
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from chassis.events import Event, event
from chassis.http.models import ProblemValue
from contracts.money import MoneyModel


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class ServiceState(Event):
    """`status`: pending, active, suspended, terminated or cancelled."""

    service_id: UUID
    customer_id: UUID
    order_id: UUID
    product: str
    product_name: str
    label: str
    status: str
    period: str
    recurring_amount: MoneyModel
    paid_until: date | None
    next_due_on: date | None
    reason: str | None = None


@event("billing.service.ordered.v1", subject="service_id")
class ServiceOrdered(ServiceState):
    """A product was ordered; the service is pending."""


@event("billing.service.activated.v1", subject="service_id")
class ServiceActivated(ServiceState):
    """The first period is paid; the service may be used."""


@event("billing.service.renewed.v1", subject="service_id")
class ServiceRenewed(ServiceState):
    """A further period is paid."""


@event("billing.service.cancelled.v1", subject="service_id")
class ServiceCancelled(ServiceState):
    """The service is not wanted any more, or its order was never paid."""


class InvoiceLineState(_Part):
    """What one line charges for; a first line has no period until activation."""

    service_id: UUID | None
    description: str
    period_start: date | None
    period_end: date | None
    total: MoneyModel


class InvoiceState(Event):
    """`kind`: service or top_up; `status`: draft, open, paid, void, uncollectible."""

    invoice_id: UUID
    customer_id: UUID
    kind: str
    number: str | None
    status: str
    issued_on: date | None
    due_on: date
    total: MoneyModel
    paid: MoneyModel
    remaining: MoneyModel
    lines: list[InvoiceLineState]


@event("billing.invoice.drafted.v1", subject="invoice_id")
class InvoiceDrafted(InvoiceState):
    """An invoice waits for its buyer's details."""


@event("billing.invoice.issued.v1", subject="invoice_id")
class InvoiceIssued(InvoiceState):
    """An invoice has its number and is open. `order_id` is set for a first invoice."""

    order_id: UUID | None = None


@event("billing.invoice.updated.v1", subject="invoice_id")
class InvoiceUpdated(InvoiceState):
    """Part of the invoice was paid, or an allocation was freed; it stays open."""


@event("billing.invoice.paid.v1", subject="invoice_id")
class InvoicePaid(InvoiceState):
    """Nothing remains to be paid."""


@event("billing.invoice.voided.v1", subject="invoice_id")
class InvoiceVoided(InvoiceState):
    """The invoice is void; what was paid on it became credit."""


class PaymentShare(_Part):
    """What a payment did for one invoice."""

    invoice_id: UUID
    number: str | None
    amount: MoneyModel
    remaining: MoneyModel


class PaymentState(Event):
    """`status` as in the public API; `shares` are the invoices it pays."""

    payment_id: UUID
    customer_id: UUID
    method: str
    status: str
    amount: MoneyModel
    shares: list[PaymentShare]
    reference: str


@event("billing.payment.started.v1", subject="payment_id")
class PaymentStarted(PaymentState):
    """A method was chosen; for a transfer, `instructions` tell where to send it."""

    instructions: str | None = None


@event("billing.payment.succeeded.v1", subject="payment_id")
class PaymentSucceeded(PaymentState):
    """Money was received and allocated; `credited` is what became credit."""

    received: MoneyModel
    credited: MoneyModel
    ticket_id: UUID | None = None
    confirmed_by: UUID | None = None


@event("billing.payment.cancelled.v1", subject="payment_id")
class PaymentCancelled(PaymentState):
    """A newer attempt, or a void invoice, made this one pointless."""


@event("billing.credit.changed.v1", subject="account_id")
class CreditChanged(Event):
    """A customer's credit in one currency moved.

    `reason`: top_up, overpayment, applied, automatic or freed.
    `invoice_remaining` is what is left to pay on the invoice after the change.
    """

    account_id: UUID
    customer_id: UUID
    change: MoneyModel
    balance: MoneyModel
    reason: str
    invoice_id: UUID | None = None
    invoice_number: str | None = None
    invoice_remaining: MoneyModel | None = None


@event("billing.clock.moved.v1", subject="clock_id")
class ClockMoved(Event):
    """Staff moved the business clock, in the sandbox; the shift is from real time."""

    clock_id: UUID
    shift_seconds: float


@event("billing.staff_task.raised.v1", subject="task_id")
class StaffTaskRaised(Event):
    """Something needs a person; tickets turns it into an internal ticket.

    `title` and `details` are English; their templates, with `values`, say the same in
    other languages.
    """

    task_id: UUID
    customer_id: UUID | None
    department: str
    title: str
    details: str
    invoice_id: UUID | None = None
    title_template: str | None = None
    details_template: str | None = None
    values: dict[str, ProblemValue] = Field(default_factory=dict)
