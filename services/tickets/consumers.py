"""What tickets does about other processes' events."""

from chassis.clockshift import save_shift
from chassis.consumers import Consumers, Delivery
from chassis.db import Transaction
from contracts.events import accounts, billing
from services.tickets.commands.payments import confirm_payment, tell_paid_with_credit
from services.tickets.commands.tasks import open_task
from services.tickets.settings import SETTINGS
from services.tickets.store import projections as store

consumers = Consumers("tickets")


@consumers.on(accounts.CustomerRegistered, accounts.CustomerUpdated)
async def on_customer_changed(
    tx: Transaction, event: accounts.CustomerState, _delivery: Delivery
) -> None:
    await store.save_customer(
        tx,
        event.customer_id,
        version=event.version,
        name=event.name,
        language=event.language,
        contacts={contact.user_id: contact.name for contact in event.contacts},
    )


@consumers.on(accounts.StaffMemberAdded, accounts.StaffMemberUpdated)
async def on_staff_member_changed(
    tx: Transaction, event: accounts.StaffMemberState, _delivery: Delivery
) -> None:
    await store.save_staff_member(
        tx, event.user_id, version=event.version, name=event.name
    )


@consumers.on(
    billing.ServiceOrdered,
    billing.ServiceActivated,
    billing.ServiceRenewed,
    billing.ServiceCancelled,
)
async def on_service_changed(
    tx: Transaction, event: billing.ServiceState, _delivery: Delivery
) -> None:
    await store.save_service(
        tx, event.service_id, version=event.version, customer_id=event.customer_id
    )


@consumers.on(
    billing.InvoiceDrafted,
    billing.InvoiceIssued,
    billing.InvoiceUpdated,
    billing.InvoicePaid,
    billing.InvoiceVoided,
)
async def on_invoice_changed(
    tx: Transaction, event: billing.InvoiceState, _delivery: Delivery
) -> None:
    await store.save_invoice(
        tx, event.invoice_id, version=event.version, customer_id=event.customer_id
    )


@consumers.on(billing.PaymentSucceeded)
async def on_payment_succeeded(
    tx: Transaction, event: billing.PaymentSucceeded, delivery: Delivery
) -> None:
    if not delivery.republished:
        await confirm_payment(tx, event, now=delivery.now)


@consumers.on(billing.CreditChanged)
async def on_credit_changed(
    tx: Transaction, event: billing.CreditChanged, delivery: Delivery
) -> None:
    if not delivery.republished:
        await tell_paid_with_credit(tx, event, now=delivery.now)


@consumers.on(billing.StaffTaskRaised)
async def on_staff_task_raised(
    tx: Transaction, event: billing.StaffTaskRaised, delivery: Delivery
) -> None:
    if not delivery.republished:
        settings = delivery.resources[SETTINGS]
        await open_task(
            tx,
            event,
            fallback_department=settings.staff_task_department,
            language=settings.staff_language,
            now=delivery.now,
        )


@consumers.on(billing.ClockMoved)
async def on_clock_moved(
    tx: Transaction, event: billing.ClockMoved, _delivery: Delivery
) -> None:
    await save_shift(tx, event.shift_seconds, version=event.version)
