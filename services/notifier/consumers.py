"""What people are told of: each event that a customer should know, and nothing twice.

An event becomes one notification here, and one mail per recipient when it is sent.
"""

from uuid import UUID

from chassis.clockshift import save_shift
from chassis.consumers import Consumers, Delivery
from chassis.db import Transaction
from chassis.events import Event
from contracts.events import accounts, billing, tickets
from services.notifier.commands import mails as commands
from services.notifier.domain.languages import language_of
from services.notifier.domain.mails import Contact, Template
from services.notifier.settings import MAILS_WAITING

consumers = Consumers("notifier")

#: Movements of credit that another mail tells of: the one about the payment.
TOLD_WITH_THE_PAYMENT = ("top_up", "overpayment")
BY_SYSTEM = "system"
USES_OF_CREDIT = ("applied", "automatic")


@consumers.on(accounts.CustomerRegistered, accounts.CustomerUpdated)
async def on_customer_changed(
    tx: Transaction, event: accounts.CustomerState, delivery: Delivery
) -> None:
    await commands.keep_customer(tx, event)
    delivery.resources[MAILS_WAITING].set()


@consumers.on(accounts.EmailVerificationRequested)
async def on_email_verification_requested(
    tx: Transaction, event: accounts.EmailVerificationRequested, delivery: Delivery
) -> None:
    addressee = _addressee(event)
    await _tell(tx, Template.EMAIL_VERIFICATION, event, delivery, addressee=addressee)


@consumers.on(accounts.PasswordResetRequested)
async def on_password_reset_requested(
    tx: Transaction, event: accounts.PasswordResetRequested, delivery: Delivery
) -> None:
    addressee = _addressee(event)
    await _tell(tx, Template.PASSWORD_RESET, event, delivery, addressee=addressee)


@consumers.on(billing.InvoiceIssued)
async def on_invoice_issued(
    tx: Transaction, event: billing.InvoiceIssued, delivery: Delivery
) -> None:
    await _tell(tx, Template.INVOICE_ISSUED, event, delivery)


@consumers.on(billing.InvoiceVoided)
async def on_invoice_voided(
    tx: Transaction, event: billing.InvoiceVoided, delivery: Delivery
) -> None:
    # A draft has no number: nobody has heard of it.
    if event.number is not None:
        await _tell(tx, Template.INVOICE_VOIDED, event, delivery)


@consumers.on(billing.PaymentStarted)
async def on_payment_started(
    tx: Transaction, event: billing.PaymentStarted, delivery: Delivery
) -> None:
    if event.instructions is not None:
        await _tell(tx, Template.PAYMENT_INSTRUCTIONS, event, delivery)


@consumers.on(billing.PaymentSucceeded)
async def on_payment_succeeded(
    tx: Transaction, event: billing.PaymentSucceeded, delivery: Delivery
) -> None:
    """Tell what was received, which invoices it paid and what became credit."""
    await _tell(tx, Template.PAYMENT_RECEIVED, event, delivery)


@consumers.on(billing.CreditChanged)
async def on_credit_changed(
    tx: Transaction, event: billing.CreditChanged, delivery: Delivery
) -> None:
    if event.reason in TOLD_WITH_THE_PAYMENT:
        return
    used = event.reason in USES_OF_CREDIT and event.invoice_number is not None
    template = Template.CREDIT_USED if used else Template.CREDIT_CHANGED
    await _tell(tx, template, event, delivery)


@consumers.on(billing.ServiceActivated)
async def on_service_activated(
    tx: Transaction, event: billing.ServiceActivated, delivery: Delivery
) -> None:
    await _tell(tx, Template.SERVICE_ACTIVATED, event, delivery)


@consumers.on(tickets.TicketOpened)
async def on_ticket_opened(
    tx: Transaction, event: tickets.TicketOpened, delivery: Delivery
) -> None:
    await _tell(tx, Template.TICKET_OPENED, event, delivery)


@consumers.on(tickets.TicketAnswered)
async def on_ticket_answered(
    tx: Transaction, event: tickets.TicketAnswered, delivery: Delivery
) -> None:
    await _tell(tx, Template.TICKET_ANSWERED, event, delivery)


@consumers.on(tickets.TicketClosed)
async def on_ticket_closed(
    tx: Transaction, event: tickets.TicketClosed, delivery: Delivery
) -> None:
    # The system closes a ticket with an answer that says so, which is a mail already.
    if event.closed_by != BY_SYSTEM:
        await _tell(tx, Template.TICKET_CLOSED, event, delivery)


@consumers.on(billing.ClockMoved)
async def on_clock_moved(
    tx: Transaction, event: billing.ClockMoved, _delivery: Delivery
) -> None:
    await save_shift(tx, event.shift_seconds, version=event.version)


def _addressee(event: accounts.LinkRequested) -> Contact:
    return Contact(
        user_id=event.user_id,
        name=event.name,
        email=event.email,
        language=language_of(event.language),
    )


async def _tell(
    tx: Transaction,
    template: Template,
    event: Event,
    delivery: Delivery,
    *,
    addressee: Contact | None = None,
) -> None:
    """Note the event for those it concerns; a state sent again is no news."""
    if delivery.republished:
        return
    customer_id: UUID | None = getattr(event, "customer_id", None)
    await commands.tell(
        tx,
        template,
        event,
        event_id=delivery.event_id,
        customer_id=customer_id,
        addressee=addressee,
        now=delivery.now,
    )
    delivery.resources[MAILS_WAITING].set()
