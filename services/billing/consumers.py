"""What billing does about other processes' events: it notes buyers and tickets."""

from chassis.consumers import Consumers, Delivery
from chassis.db import Transaction
from contracts.events import accounts, tickets
from services.billing.commands.invoicing import issue_drafts
from services.billing.domain.customers import Customer
from services.billing.settings import SETTINGS
from services.billing.store.customers import lock_customer, save_customer
from services.billing.store.tickets import save_ticket

consumers = Consumers("billing")


@consumers.on(accounts.CustomerRegistered, accounts.CustomerUpdated)
async def on_customer_changed(
    tx: Transaction,
    event: accounts.CustomerRegistered | accounts.CustomerUpdated,
    delivery: Delivery,
) -> None:
    """Note the buyer's details, and issue what waited for them."""
    address = event.address.model_dump() if event.address else None
    await save_customer(tx, _customer(event), address)
    if not delivery.republished:
        await issue_drafts(
            tx,
            await lock_customer(tx, event.customer_id),
            seller=delivery.resources[SETTINGS].terms.seller,
            on=delivery.today,
            now=delivery.now,
        )


@consumers.on(
    tickets.TicketOpened,
    tickets.TicketReplied,
    tickets.TicketAnswered,
    tickets.TicketHeld,
    tickets.TicketClosed,
    tickets.TicketReopened,
)
async def on_ticket_changed(
    tx: Transaction,
    event: tickets.TicketState,
    _delivery: Delivery,
) -> None:
    """Note the ticket: an open one to finance holds its invoice back."""
    await save_ticket(
        tx,
        event.ticket_id,
        version=event.version,
        customer_id=event.customer_id,
        department=event.department,
        status=event.status,
        invoice_id=event.invoice_id,
    )


def _customer(
    event: accounts.CustomerRegistered | accounts.CustomerUpdated,
) -> Customer:
    return Customer(
        id=event.customer_id,
        version=event.version,
        name=event.name,
        company=event.company,
        tax_id=event.tax_id,
        country=event.country,
        currency=event.currency,
        language=event.language,
        time_zone=event.time_zone,
        email=event.contacts[0].email if event.contacts else None,
        phone=event.phone,
    )
