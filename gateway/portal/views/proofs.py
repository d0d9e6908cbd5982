"""What we have of a payment by hand before it is confirmed: a ticket that proves it."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from chassis.http import Page
from contracts.api.billing.payments import PaymentView
from contracts.api.tickets import TicketView
from gateway.portal.views.beside import find_beside
from gateway.portal.visit import Visit

#: The most that one list gives. Hardly anybody has as many open; whose proof comes
#: after them sees their payment as not proved yet, and may send it again.
MAXIMUM_TICKETS = 100


async def find_proofs(
    visit: Visit, payments: Iterable[PaymentView]
) -> Mapping[UUID, TicketView]:
    """Return the open tickets about what these payments pay, by the payment."""
    waiting = [each for each in payments if each.status == "awaiting_confirmation"]
    if not waiting:
        return {}
    tickets = await find_beside(
        visit,
        "tickets",
        "/tickets",
        Page[TicketView],
        closed=False,
        limit=MAXIMUM_TICKETS,
    )
    about = {ticket.invoice_id: ticket for ticket in tickets.items} if tickets else {}
    found = ((payment.id, about.get(_first_invoice(payment))) for payment in waiting)
    return {payment_id: ticket for payment_id, ticket in found if ticket}


def _first_invoice(payment: PaymentView) -> UUID:
    """Return the invoice that a proof of the payment names."""
    return payment.invoices[0].invoice_id
