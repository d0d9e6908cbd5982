"""Events of tickets: each carries the ticket's state, most the message behind it."""

from datetime import datetime
from uuid import UUID

from chassis.events import Event, event


class TicketState(Event):
    """`status`: open, answered, customer_reply, on_hold or closed."""

    ticket_id: UUID
    customer_id: UUID
    requester_id: UUID
    protocol: str
    department: str
    subject_line: str
    status: str
    priority: str
    invoice_id: UUID | None
    service_ids: list[UUID]


class MessageAdded(TicketState):
    """`text` is what was said in public, `at` the business instant of it."""

    message_id: UUID
    author_name: str
    text: str
    attachment_names: list[str]
    at: datetime


@event("tickets.ticket.opened.v1", subject="ticket_id")
class TicketOpened(MessageAdded):
    """A customer opened a ticket."""


@event("tickets.ticket.replied.v1", subject="ticket_id")
class TicketReplied(MessageAdded):
    """The customer wrote again."""


@event("tickets.ticket.answered.v1", subject="ticket_id")
class TicketAnswered(MessageAdded):
    """Staff, or the system on its behalf, said something in public.

    `status` tells whether that was the answer: the system may also only tell what has
    happened, and leaves the ticket as it was.
    """


@event("tickets.ticket.held.v1", subject="ticket_id")
class TicketHeld(TicketState):
    """Staff set the ticket aside until something outside happens."""


@event("tickets.ticket.closed.v1", subject="ticket_id")
class TicketClosed(TicketState):
    """The ticket is closed; `closed_by` is customer, staff or system."""

    closed_by: str


@event("tickets.ticket.reopened.v1", subject="ticket_id")
class TicketReopened(TicketState):
    """A closed ticket is open again."""
