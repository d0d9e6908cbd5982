"""What customers and staff do in a ticket: open, reply, answer, note, close, reopen."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from chassis import audit
from chassis.db import Transaction
from chassis.errors import FieldError, RuleViolated
from chassis.ids import uuid7
from contracts.api.tickets import OpenTicket, WriteMessage
from services.tickets.commands import events
from services.tickets.commands.protocols import insert_with_protocol
from services.tickets.domain import tickets
from services.tickets.domain.files import Attachment
from services.tickets.domain.people import Author, AuthorKind
from services.tickets.domain.tickets import Department, Message, MessageKind, Ticket
from services.tickets.store import attachments, departments, projections
from services.tickets.store import tickets as store


class UnknownDepartment(RuleViolated):
    """There is no such department."""


class NotYours(RuleViolated):
    """The ticket names something that isn't the customer's."""


class UnusableAttachment(RuleViolated):
    """A file is not there to be sent."""


async def open_ticket(
    tx: Transaction,
    wanted: OpenTicket,
    *,
    customer_id: UUID,
    author: Author,
    now: datetime,
) -> Ticket:
    """Open a customer's ticket with its first message and files."""
    department = await require_department(tx, wanted.department)
    await _require_owned(tx, customer_id, wanted)
    ticket = tickets.open_ticket(
        uuid7(),
        customer_id=customer_id,
        requester=author,
        department=department,
        subject=wanted.subject,
        priority=tickets.Priority(wanted.priority),
        invoice_id=wanted.invoice_id,
        service_ids=wanted.service_ids,
        now=now,
    )
    ticket = await insert_with_protocol(tx, ticket)
    message = await say(tx, ticket, author, wanted.message, now=now)
    message = await _attach(tx, message, wanted.attachment_ids, ticket)
    await record(tx, "ticket.opened", ticket)
    await tx.emit(events.ticket_opened(ticket, message))
    return ticket


async def reply_to_ticket(
    tx: Transaction,
    ticket_id: UUID,
    wanted: WriteMessage,
    *,
    customer_id: UUID,
    author: Author,
    now: datetime,
) -> Message:
    """Let the customer write again; a closed ticket is open again by that."""
    ticket = await store.lock_ticket(tx, ticket_id, scope=customer_id)
    replied = tickets.reply(ticket, now=now)
    await store.save_ticket(tx, replied)
    message = await say(tx, replied, author, wanted.message, now=now)
    message = await _attach(tx, message, wanted.attachment_ids, replied)
    await record(tx, "ticket.replied", replied)
    await tx.emit(events.ticket_replied(replied, message))
    return message


async def answer_ticket(
    tx: Transaction,
    ticket_id: UUID,
    wanted: WriteMessage,
    *,
    author: Author,
    now: datetime,
) -> Message:
    """Let staff answer the customer in public."""
    ticket = await store.lock_ticket(tx, ticket_id, scope=None)
    answered, message = await answer(tx, ticket, author, wanted.message, now=now)
    message = await _attach(tx, message, wanted.attachment_ids, answered)
    await tx.emit(events.ticket_answered(answered, message))
    return message


async def answer(
    tx: Transaction, ticket: Ticket, author: Author, text: str, *, now: datetime
) -> tuple[Ticket, Message]:
    """Write a public answer into a locked ticket; the caller announces it."""
    answered = tickets.answer(ticket, now=now)
    await store.save_ticket(tx, answered)
    message = await say(tx, answered, author, text, now=now)
    await record(tx, "ticket.answered", answered)
    return answered, message


async def tell(
    tx: Transaction, ticket: Ticket, author: Author, text: str, *, now: datetime
) -> None:
    """Tell the customer something in a locked ticket that answers nothing."""
    told = tickets.tell(ticket, now=now)
    await store.save_ticket(tx, told)
    message = await say(tx, told, author, text, now=now)
    await record(tx, "ticket.told", told)
    await tx.emit(events.ticket_answered(told, message))


async def add_note(
    tx: Transaction, ticket_id: UUID, text: str, *, author: Author, now: datetime
) -> Message:
    """Write what only staff reads: the ticket stays as it is, and nobody is told."""
    ticket = await store.lock_ticket(tx, ticket_id, scope=None)
    note = await say(tx, ticket, author, text, now=now, kind=MessageKind.NOTE)
    await record(tx, "ticket.noted", ticket)
    return note


async def hold_ticket(tx: Transaction, ticket_id: UUID, *, now: datetime) -> Ticket:
    """Set a ticket or a task aside; doing so twice changes nothing."""
    ticket = await store.lock_ticket(tx, ticket_id, scope=None)
    held = tickets.hold(ticket, now=now)
    if held is not ticket:
        await store.save_ticket(tx, held)
        await record(tx, "ticket.held", held)
        if not held.internal:
            await tx.emit(events.ticket_held(held))
    return held


async def close_ticket(
    tx: Transaction,
    ticket_id: UUID,
    *,
    scope: UUID | None,
    by: AuthorKind,
    now: datetime,
) -> Ticket:
    """Close a ticket for its owner or for staff; closing twice changes nothing."""
    ticket = await store.lock_ticket(tx, ticket_id, scope=scope)
    return await close(tx, ticket, by=by, now=now)


async def close(
    tx: Transaction, ticket: Ticket, *, by: AuthorKind, now: datetime
) -> Ticket:
    """Close a locked ticket, and say so unless it is the staff's own."""
    closed = tickets.close(ticket, by=by, now=now)
    if closed is not ticket:
        await store.save_ticket(tx, closed)
        await record(tx, "ticket.closed", closed)
        if not closed.internal:
            await tx.emit(events.ticket_closed(closed))
    return closed


async def reopen_ticket(
    tx: Transaction, ticket_id: UUID, *, scope: UUID | None, now: datetime
) -> Ticket:
    """Open a closed ticket again; any other stays as it is."""
    ticket = await store.lock_ticket(tx, ticket_id, scope=scope)
    reopened = tickets.reopen(ticket, now=now)
    if reopened is not ticket:
        await store.save_ticket(tx, reopened)
        await record(tx, "ticket.reopened", reopened)
        if not reopened.internal:
            await tx.emit(events.ticket_reopened(reopened))
    return reopened


async def say(
    tx: Transaction,
    ticket: Ticket,
    author: Author,
    text: str,
    *,
    now: datetime,
    kind: MessageKind = MessageKind.PUBLIC,
) -> Message:
    """Write a message into a new or locked ticket."""
    message = Message(
        id=uuid7(), ticket_id=ticket.id, kind=kind, author=author, text=text, at=now
    )
    await store.insert_message(tx, message)
    return message


async def record(tx: Transaction, action: str, ticket: Ticket) -> None:
    """Note in the audit log what was done to the ticket."""
    await audit.record(
        tx,
        action,
        subject=ticket.id,
        customer_id=ticket.customer_id,
        details={"protocol": ticket.protocol, "version": ticket.version},
    )


async def require_department(tx: Transaction, slug: str) -> Department:
    """Return the department of that slug, or raise UnknownDepartment."""
    department = await departments.find_department(tx, slug)
    if department is None:
        raise UnknownDepartment("is not a department", field="department")
    return department


async def _require_owned(
    tx: Transaction, customer_id: UUID, wanted: OpenTicket
) -> None:
    """Refuse services and invoices that are unknown or somebody else's, alike."""
    owned = await projections.list_owned_services(tx, customer_id, wanted.service_ids)
    errors = [
        FieldError(f"service_ids.{index}", "is not a service of yours")
        for index, service_id in enumerate(wanted.service_ids)
        if service_id not in owned
    ]
    if not await _owns_invoice(tx, customer_id, wanted.invoice_id):
        errors.append(FieldError("invoice_id", "is not an invoice of yours"))
    if errors:
        raise NotYours(errors=errors)


async def _owns_invoice(
    tx: Transaction, customer_id: UUID, invoice_id: UUID | None
) -> bool:
    return invoice_id is None or await projections.owns_invoice(
        tx, customer_id, invoice_id
    )


async def _attach(
    tx: Transaction, message: Message, ids: Sequence[UUID], ticket: Ticket
) -> Message:
    """Send the author's waiting files with the message; each can be sent once."""
    if not ids:
        return message
    locked = {file.id: file for file in await attachments.lock_attachments(tx, ids)}
    errors = [
        FieldError(f"attachment_ids.{index}", "is not a file of yours to be sent")
        for index, id_ in enumerate(ids)
        if id_ not in locked or not _sendable(locked[id_], message.author, ticket)
    ]
    if errors:
        raise UnusableAttachment(errors=errors)
    await attachments.attach(
        tx, ids, message_id=message.id, customer_id=ticket.customer_id
    )
    return replace(message, attachments=tuple(locked[id_] for id_ in ids))


def _sendable(file: Attachment, author: Author, ticket: Ticket) -> bool:
    return file.may_be_sent_by(author, customer_id=ticket.customer_id)
