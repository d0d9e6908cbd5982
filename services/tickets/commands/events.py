"""Tickets as events tell of them; internal tickets are never told of."""

from datetime import datetime
from typing import TypedDict
from uuid import UUID

from contracts.events.tickets import (
    TicketAnswered,
    TicketClosed,
    TicketOpened,
    TicketReopened,
    TicketReplied,
)
from services.tickets.domain.people import AuthorKind
from services.tickets.domain.tickets import Message, Ticket


class _State(TypedDict):
    version: int
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


class _Said(TypedDict):
    message_id: UUID
    author_name: str
    text: str
    attachment_names: list[str]
    at: datetime


def ticket_opened(ticket: Ticket, message: Message) -> TicketOpened:
    return TicketOpened(**_state(ticket), **_said(message))


def ticket_replied(ticket: Ticket, message: Message) -> TicketReplied:
    return TicketReplied(**_state(ticket), **_said(message))


def ticket_answered(ticket: Ticket, message: Message) -> TicketAnswered:
    return TicketAnswered(**_state(ticket), **_said(message))


def ticket_closed(ticket: Ticket) -> TicketClosed:
    return TicketClosed(
        **_state(ticket), closed_by=ticket.closed_by or AuthorKind.SYSTEM
    )


def ticket_reopened(ticket: Ticket) -> TicketReopened:
    return TicketReopened(**_state(ticket))


def _state(ticket: Ticket) -> _State:
    if ticket.customer_id is None or ticket.requester_id is None:
        raise ValueError(f"ticket {ticket.id} is internal")
    return {
        "version": ticket.version,
        "ticket_id": ticket.id,
        "customer_id": ticket.customer_id,
        "requester_id": ticket.requester_id,
        "protocol": ticket.protocol,
        "department": ticket.department,
        "subject_line": ticket.subject,
        "status": ticket.status,
        "priority": ticket.priority,
        "invoice_id": ticket.invoice_id,
        "service_ids": list(ticket.service_ids),
    }


def _said(message: Message) -> _Said:
    return {
        "message_id": message.id,
        "author_name": message.author.name,
        "text": message.text,
        "attachment_names": [file.name for file in message.attachments],
        "at": message.at,
    }
