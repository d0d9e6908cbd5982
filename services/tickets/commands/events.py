"""Tickets as events tell of them; internal tickets are never told of."""

from contracts.events.tickets import (
    MessageAdded,
    TicketAnswered,
    TicketClosed,
    TicketHeld,
    TicketOpened,
    TicketReopened,
    TicketReplied,
    TicketState,
)
from services.tickets.domain.people import AuthorKind
from services.tickets.domain.tickets import Message, Ticket


def ticket_opened(ticket: Ticket, message: Message) -> TicketOpened:
    return TicketOpened(**dict(_said(ticket, message)))


def ticket_replied(ticket: Ticket, message: Message) -> TicketReplied:
    return TicketReplied(**dict(_said(ticket, message)))


def ticket_answered(ticket: Ticket, message: Message) -> TicketAnswered:
    return TicketAnswered(**dict(_said(ticket, message)))


def ticket_held(ticket: Ticket) -> TicketHeld:
    return TicketHeld(**dict(_state(ticket)))


def ticket_closed(ticket: Ticket) -> TicketClosed:
    return TicketClosed(
        **dict(_state(ticket)), closed_by=ticket.closed_by or AuthorKind.SYSTEM
    )


def ticket_reopened(ticket: Ticket) -> TicketReopened:
    return TicketReopened(**dict(_state(ticket)))


def _state(ticket: Ticket) -> TicketState:
    if ticket.customer_id is None or ticket.requester_id is None:
        raise ValueError(f"ticket {ticket.id} is internal")
    return TicketState(
        version=ticket.version,
        ticket_id=ticket.id,
        customer_id=ticket.customer_id,
        requester_id=ticket.requester_id,
        protocol=ticket.protocol,
        department=ticket.department,
        subject_line=ticket.subject,
        status=ticket.status,
        priority=ticket.priority,
        invoice_id=ticket.invoice_id,
        service_ids=list(ticket.service_ids),
    )


def _said(ticket: Ticket, message: Message) -> MessageAdded:
    return MessageAdded(
        **dict(_state(ticket)),
        message_id=message.id,
        author_name=message.author.name,
        text=message.text,
        attachment_names=[file.name for file in message.attachments],
        at=message.at,
    )
