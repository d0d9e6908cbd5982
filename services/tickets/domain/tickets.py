"""How a ticket lives: who may move it to which status, and its protocol number."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from chassis.errors import Conflict
from services.tickets.domain.files import Attachment
from services.tickets.domain.people import Author, AuthorKind

#: Crockford's base 32: no I, L, O or U, so that a protocol survives being read aloud.
PROTOCOL_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
PROTOCOL_LENGTH = 10
#: How many protocols there are.
PROTOCOLS = len(PROTOCOL_ALPHABET) ** PROTOCOL_LENGTH

#: The department whose tickets prove payments.
FINANCE = "finance"

_MISREAD = str.maketrans("OIL", "011", "- ")


class TicketIsInternal(Conflict):
    """An internal ticket has no customer to answer; write a note instead."""


class TicketIsFull(Conflict):
    """The ticket holds 500 messages, the most it can; open a new one."""


class TicketIsClosed(Conflict):
    """The ticket is closed; open it again first."""


class Status(StrEnum):
    """Whose turn it is."""

    OPEN = "open"
    ANSWERED = "answered"
    CUSTOMER_REPLY = "customer_reply"
    ON_HOLD = "on_hold"
    CLOSED = "closed"


#: It is staff's turn.
AWAITS_STAFF = (Status.OPEN, Status.CUSTOMER_REPLY)


class Priority(StrEnum):
    """How urgent the customer says it is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    URGENT = "urgent"


class MessageKind(StrEnum):
    """Whether the customer reads it."""

    PUBLIC = "public"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Department:
    """Where tickets go; `name` is by language, times by priority."""

    slug: str
    name: dict[str, str]
    position: int
    expected_answer_minutes: dict[Priority, int]

    def name_in(self, language: str) -> str:
        return self.name.get(language) or self.name["en"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A conversation about one matter; an internal one is a task of the staff.

    `waiting_since` is the first thing the customer said that staff hasn't answered;
    its department means to do so within `answer_minutes`.
    """

    id: UUID
    #: Given when the ticket is stored, and never to another.
    protocol: str = ""
    customer_id: UUID | None
    requester_id: UUID | None = None
    internal: bool = False
    department: str
    subject: str
    status: Status = Status.OPEN
    priority: Priority
    invoice_id: UUID | None
    service_ids: tuple[UUID, ...] = ()
    version: int = 1
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None = None
    closed_by: AuthorKind | None = None
    waiting_since: datetime | None = None
    answer_minutes: int = 0

    @property
    def awaits_staff(self) -> bool:
        """Whether a customer waits for an answer."""
        return not self.internal and self.status in AWAITS_STAFF

    @property
    def expected_answer_at(self) -> datetime | None:
        """By when the customer may expect an answer; None while they expect none."""
        if self.waiting_since is None:
            return None
        return self.waiting_since + timedelta(minutes=self.answer_minutes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Something that was said in a ticket."""

    id: UUID
    ticket_id: UUID
    kind: MessageKind
    author: Author
    text: str
    at: datetime
    attachments: tuple[Attachment, ...] = ()


def open_ticket(
    ticket_id: UUID,
    *,
    customer_id: UUID,
    requester: Author,
    department: Department,
    subject: str,
    priority: Priority,
    invoice_id: UUID | None,
    service_ids: tuple[UUID, ...],
    now: datetime,
) -> Ticket:
    """Return a customer's new ticket; its protocol is given when it is stored."""
    return Ticket(
        id=ticket_id,
        customer_id=customer_id,
        requester_id=requester.id,
        department=department.slug,
        subject=subject,
        priority=priority,
        invoice_id=invoice_id,
        service_ids=service_ids,
        created_at=now,
        updated_at=now,
        waiting_since=now,
        answer_minutes=department.expected_answer_minutes[priority],
    )


def open_task(
    ticket_id: UUID,
    *,
    customer_id: UUID | None,
    department: str,
    subject: str,
    invoice_id: UUID | None,
    now: datetime,
) -> Ticket:
    """Return a new internal ticket, perhaps about a customer."""
    return Ticket(
        id=ticket_id,
        customer_id=customer_id,
        internal=True,
        department=department,
        subject=subject,
        priority=Priority.MEDIUM,
        invoice_id=invoice_id,
        created_at=now,
        updated_at=now,
    )


def reply(ticket: Ticket, *, now: datetime) -> Ticket:
    """Let the customer speak; a closed ticket is open again by that."""
    return _move(ticket, Status.CUSTOMER_REPLY, now)


def answer(ticket: Ticket, *, now: datetime) -> Ticket:
    """Let the staff, or the system on its behalf, speak to the customer."""
    if ticket.internal:
        raise TicketIsInternal
    return _move(ticket, Status.ANSWERED, now)


def tell(ticket: Ticket, *, now: datetime) -> Ticket:
    """Let the system tell the customer something; whose turn it is stays as it is."""
    return replace(ticket, version=ticket.version + 1, updated_at=now)


def hold(ticket: Ticket, *, now: datetime) -> Ticket:
    """Set the ticket aside; the customer's reply, or an answer, takes it up again."""
    if ticket.status is Status.CLOSED:
        raise TicketIsClosed
    return (
        ticket
        if ticket.status is Status.ON_HOLD
        else _move(ticket, Status.ON_HOLD, now)
    )


def close(ticket: Ticket, *, by: AuthorKind, now: datetime) -> Ticket:
    """Close the ticket; closing it twice changes nothing."""
    if ticket.status is Status.CLOSED:
        return ticket
    closed = _move(ticket, Status.CLOSED, now)
    return replace(closed, closed_at=now, closed_by=by)


def reopen(ticket: Ticket, *, now: datetime) -> Ticket:
    """Open a closed ticket again; any other stays as it is."""
    return _move(ticket, Status.OPEN, now) if ticket.status is Status.CLOSED else ticket


def format_protocol(number: int) -> str:
    """Write a number below PROTOCOLS as ten characters, grouped: 7K3M-2QXP-V9."""
    digits = ""
    for _ in range(PROTOCOL_LENGTH):
        number, digit = divmod(number, len(PROTOCOL_ALPHABET))
        digits = PROTOCOL_ALPHABET[digit] + digits
    return f"{digits[:4]}-{digits[4:8]}-{digits[8:]}"


def read_protocol(text: str) -> str | None:
    """Return the protocol that somebody typed in any spelling, or None."""
    digits = text.strip().upper().translate(_MISREAD)
    if len(digits) != PROTOCOL_LENGTH or set(digits) - set(PROTOCOL_ALPHABET):
        return None
    return f"{digits[:4]}-{digits[4:8]}-{digits[8:]}"


def _move(ticket: Ticket, status: Status, now: datetime) -> Ticket:
    moved = replace(
        ticket,
        status=status,
        version=ticket.version + 1,
        updated_at=now,
        closed_at=None,
        closed_by=None,
    )
    # Who writes again while waiting doesn't wait anew.
    since = (ticket.waiting_since or now) if moved.awaits_staff else None
    return replace(moved, waiting_since=since)
