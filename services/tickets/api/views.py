"""Tickets' domain objects as the public API shows them."""

from collections.abc import Sequence

from contracts.api.tickets import (
    AttachmentView,
    AuthorView,
    DepartmentView,
    ExpectedAnswerView,
    MessageView,
    StaffMessageView,
    StaffTicketView,
    StaffTicketWithMessagesView,
    TicketView,
    TicketWithMessagesView,
)
from services.tickets.domain.files import Attachment
from services.tickets.domain.people import Author
from services.tickets.domain.tickets import Department, Message, Ticket


def view_department(department: Department, language: str) -> DepartmentView:
    minutes = department.expected_answer_minutes
    return DepartmentView(
        slug=department.slug,
        name=department.name_in(language),
        expected_answer=ExpectedAnswerView(
            **{priority.value: minutes[priority] for priority in minutes}
        ),
    )


def view_attachment(attachment: Attachment) -> AttachmentView:
    return AttachmentView(
        id=attachment.id,
        name=attachment.name,
        size=attachment.size,
        media_type=attachment.media_type,
        sha256=attachment.sha256,
    )


def view_ticket(ticket: Ticket) -> TicketView:
    return TicketView(
        id=ticket.id,
        protocol=ticket.protocol,
        department=ticket.department,
        subject=ticket.subject,
        status=ticket.status.value,
        priority=ticket.priority.value,
        service_ids=list(ticket.service_ids),
        invoice_id=ticket.invoice_id,
        created_at=ticket.created_at,
        updated_at=ticket.updated_at,
        closed_at=ticket.closed_at,
        expected_answer_at=ticket.expected_answer_at,
    )


def view_conversation(
    ticket: Ticket, messages: Sequence[Message]
) -> TicketWithMessagesView:
    return TicketWithMessagesView(
        **dict(view_ticket(ticket)),
        messages=[view_message(message) for message in messages],
    )


def view_message(message: Message) -> MessageView:
    return MessageView(
        id=message.id,
        author=_view_author(message.author),
        text=message.text,
        at=message.at,
        attachments=[view_attachment(file) for file in message.attachments],
    )


def view_ticket_for_staff(ticket: Ticket, customer_name: str | None) -> StaffTicketView:
    return StaffTicketView(
        **dict(view_ticket(ticket)),
        internal=ticket.internal,
        customer_id=ticket.customer_id,
        customer_name=customer_name,
        requester_id=ticket.requester_id,
        waiting_since=ticket.waiting_since,
    )


def view_conversation_for_staff(
    ticket: Ticket, messages: Sequence[Message], customer_name: str | None
) -> StaffTicketWithMessagesView:
    return StaffTicketWithMessagesView(
        **dict(view_ticket_for_staff(ticket, customer_name)),
        messages=[view_message_for_staff(message) for message in messages],
    )


def view_message_for_staff(message: Message) -> StaffMessageView:
    return StaffMessageView(**dict(view_message(message)), kind=message.kind.value)


def _view_author(author: Author) -> AuthorView:
    return AuthorView(kind=author.kind.value, name=author.name)
