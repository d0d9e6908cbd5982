"""Tickets as they are now, told again so that others can rebuild their copies."""

from collections.abc import Sequence
from uuid import UUID

from chassis.db import Transaction
from chassis.events import Event
from services.tickets.commands.events import ticket_closed, ticket_reopened
from services.tickets.domain.tickets import Status
from services.tickets.store.tickets import list_tickets_after


async def current_tickets(
    tx: Transaction, after: UUID | None, limit: int
) -> Sequence[Event]:
    return [
        ticket_closed(ticket)
        if ticket.status is Status.CLOSED
        else ticket_reopened(ticket)
        for ticket in await list_tickets_after(tx, after, limit)
    ]
