"""Tickets and their messages."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from chassis.context import current_cause
from chassis.db import Record, Transaction, violations_as
from chassis.errors import NotFound
from services.tickets.domain.files import Attachment
from services.tickets.domain.people import Author, AuthorKind
from services.tickets.domain.tickets import (
    FINANCE,
    Message,
    MessageKind,
    Priority,
    Status,
    Ticket,
    TicketIsFull,
)
from services.tickets.store.attachments import decode_attachment

#: Beside tickets `t` and departments `d`: in which time, and when, an answer is due.
EXPECTED: Final[LiteralString] = """
    CROSS JOIN LATERAL (
        SELECT CASE t.priority WHEN 'low' THEN d.low_minutes
                               WHEN 'medium' THEN d.medium_minutes
                               WHEN 'high' THEN d.high_minutes
                               ELSE d.urgent_minutes END AS answer_minutes
    ) promised
    CROSS JOIN LATERAL (
        -- What the release before wrote doesn't say since when somebody waits.
        SELECT coalesce(t.waiting_since, t.updated_at)
               + make_interval(mins => promised.answer_minutes) AS due_at
    ) expected
"""
#: Those that await staff.
TO_ANSWER: Final[LiteralString] = """
      AND NOT t.internal AND t.status IN ('open', 'customer_reply')
"""
_ALL: Final[LiteralString] = """
    SELECT t.*, ARRAY(SELECT s.service_id FROM ticket_services s
                      WHERE s.ticket_id = t.id ORDER BY s.position) AS service_ids,
           promised.answer_minutes
    FROM tickets t JOIN departments d ON d.slug = t.department
"""
_TICKETS: Final[LiteralString] = _ALL + EXPECTED
_COUNT: Final[LiteralString] = "SELECT count(*) FROM tickets t"
_WANTED: Final[LiteralString] = """
    WHERE t.internal = $1
      AND ($2::uuid IS NULL OR t.customer_id = $2)
      AND ($3::text IS NULL OR t.status = $3)
      AND ($4::boolean IS NULL OR (t.status = 'closed') = $4)
      AND ($5::text IS NULL OR t.department = $5)
      AND ($6::text IS NULL OR t.protocol = $7
           OR strpos(lower(t.subject), lower($6)) > 0)
      AND ($8::uuid IS NULL OR t.invoice_id = $8)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketFilter:
    """Which tickets a list holds; None means any."""

    internal: bool = False
    customer_id: UUID | None = None
    status: str | None = None
    closed: bool | None = None
    department: str | None = None
    search: str | None = None
    protocol: str | None = None
    invoice_id: UUID | None = None

    @property
    def values(self) -> tuple[object, ...]:
        """What `_WANTED` compares with."""
        return (
            *(self.internal, self.customer_id, self.status, self.closed),
            *(self.department, self.search, self.protocol, self.invoice_id),
        )


async def insert_ticket(
    tx: Transaction, ticket: Ticket, *, staff_task_id: UUID | None = None
) -> bool:
    """Store the ticket; return False if its protocol was given before."""
    inserted = await tx.execute(
        """
        INSERT INTO tickets (id, protocol, customer_id, requester_id, internal,
                             staff_task_id, department, subject, status, priority,
                             invoice_id, version, created_at, updated_at,
                             waiting_since, cause_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
        ON CONFLICT (protocol) DO NOTHING
        """,
        ticket.id,
        ticket.protocol,
        ticket.customer_id,
        ticket.requester_id,
        ticket.internal,
        staff_task_id,
        ticket.department,
        ticket.subject,
        ticket.status,
        ticket.priority,
        ticket.invoice_id,
        ticket.version,
        ticket.created_at,
        ticket.updated_at,
        ticket.waiting_since,
        current_cause().cause_id,
    )
    if inserted and ticket.service_ids:
        await _insert_services(tx, ticket)
    return inserted == 1


async def save_ticket(tx: Transaction, ticket: Ticket) -> None:
    await tx.execute(
        """
        UPDATE tickets
        SET status = $2, version = $3, updated_at = $4, closed_at = $5, closed_by = $6,
            waiting_since = $7
        WHERE id = $1
        """,
        ticket.id,
        ticket.status,
        ticket.version,
        ticket.updated_at,
        ticket.closed_at,
        ticket.closed_by,
        ticket.waiting_since,
    )


async def get_ticket(tx: Transaction, ticket_id: UUID, *, scope: UUID | None) -> Ticket:
    """Return the ticket if the scope may see it: internal ones are staff's alone."""
    row = await tx.fetchrow(
        _TICKETS
        + """
        WHERE t.id = $1
          AND ($2::uuid IS NULL OR (t.customer_id = $2 AND NOT t.internal))
        """,
        ticket_id,
        scope,
    )
    return _found(row, ticket_id)


async def lock_ticket(
    tx: Transaction, ticket_id: UUID, *, scope: UUID | None
) -> Ticket:
    """Return the ticket as `get_ticket` does, locked until the transaction ends."""
    row = await tx.fetchrow(
        _TICKETS
        + """
        WHERE t.id = $1
          AND ($2::uuid IS NULL OR (t.customer_id = $2 AND NOT t.internal))
        FOR UPDATE OF t
        """,
        ticket_id,
        scope,
    )
    return _found(row, ticket_id)


async def lock_newest_finance_ticket(
    tx: Transaction, customer_id: UUID, invoice_ids: Sequence[UUID]
) -> Ticket | None:
    """Return the customer's newest open finance ticket about one of the invoices."""
    row = await tx.fetchrow(
        _TICKETS
        + """
        WHERE t.invoice_id = ANY($2::uuid[]) AND t.customer_id = $1
          AND t.department = $3 AND NOT t.internal AND t.status <> 'closed'
        ORDER BY t.id DESC LIMIT 1 FOR UPDATE OF t
        """,
        customer_id,
        invoice_ids,
        FINANCE,
    )
    return _ticket(row) if row else None


async def list_tickets(
    tx: Transaction, wanted: TicketFilter, *, before: UUID | None, limit: int
) -> list[Ticket]:
    """Return the newest tickets first, those older than `before`."""
    rows = await tx.fetch(
        _TICKETS
        + _WANTED
        + """
          AND ($9::uuid IS NULL OR t.id < $9)
        ORDER BY t.id DESC LIMIT $10
        """,
        *wanted.values,
        before,
        limit,
    )
    return [_ticket(row) for row in rows]


async def count_tickets(tx: Transaction, wanted: TicketFilter) -> int:
    """Return the length of the whole list."""
    return await tx.fetchval(_COUNT + _WANTED, *wanted.values)


async def list_tickets_to_answer(
    tx: Transaction,
    wanted: TicketFilter,
    *,
    after: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Ticket]:
    """Return those that await staff, by when their answers are due."""
    rows = await tx.fetch(
        _TICKETS
        + _WANTED
        + TO_ANSWER
        + """
        AND ($9::timestamptz IS NULL OR (expected.due_at, t.id) > ($9, $10))
        ORDER BY expected.due_at, t.id LIMIT $11
        """,
        *wanted.values,
        *(after or (None, None)),
        limit,
    )
    return [_ticket(row) for row in rows]


async def count_tickets_to_answer(tx: Transaction, wanted: TicketFilter) -> int:
    return await tx.fetchval(_COUNT + _WANTED + TO_ANSWER, *wanted.values)


async def list_tickets_after(
    tx: Transaction, after: UUID | None, limit: int
) -> list[Ticket]:
    """Return customers' tickets by id, those after the given one."""
    rows = await tx.fetch(
        _TICKETS
        + """
        WHERE NOT t.internal AND ($1::uuid IS NULL OR t.id > $1)
        ORDER BY t.id LIMIT $2
        """,
        after,
        limit,
    )
    return [_ticket(row) for row in rows]


async def has_staff_task(tx: Transaction, staff_task_id: UUID) -> bool:
    """Whether the task has its internal ticket already."""
    return await tx.fetchval(
        "SELECT EXISTS (SELECT FROM tickets WHERE staff_task_id = $1)", staff_task_id
    )


async def insert_message(tx: Transaction, message: Message) -> None:
    """Add the message at the end; the ticket must be locked, or new."""
    with violations_as(messages_limit_check=TicketIsFull()):
        await tx.execute(
            """
            INSERT INTO messages (id, ticket_id, position, kind, author_kind,
                                  author_id, author_name, text, at, cause_id)
            SELECT $1, $2, coalesce(max(position), 0) + 1, $3, $4, $5, $6, $7, $8, $9
            FROM messages WHERE ticket_id = $2
            """,
            message.id,
            message.ticket_id,
            message.kind,
            message.author.kind,
            message.author.id,
            message.author.name,
            message.text,
            message.at,
            current_cause().cause_id,
        )


async def list_messages(
    tx: Transaction, ticket_id: UUID, *, with_notes: bool
) -> list[Message]:
    """Return the ticket's messages, oldest first, with their files."""
    rows = await tx.fetch(
        """
        SELECT * FROM messages WHERE ticket_id = $1 AND (kind = 'public' OR $2)
        ORDER BY position
        """,
        ticket_id,
        with_notes,
    )
    files = await _list_files(tx, ticket_id)
    return [_message(row, files.get(row["id"], [])) for row in rows]


async def _list_files(tx: Transaction, ticket_id: UUID) -> dict[UUID, list[Attachment]]:
    rows = await tx.fetch(
        """
        SELECT a.* FROM attachments a JOIN messages m ON m.id = a.message_id
        WHERE m.ticket_id = $1 ORDER BY a.message_id, a.position
        """,
        ticket_id,
    )
    files: dict[UUID, list[Attachment]] = {}
    for row in rows:
        files.setdefault(row["message_id"], []).append(decode_attachment(row))
    return files


async def _insert_services(tx: Transaction, ticket: Ticket) -> None:
    await tx.execute(
        """
        INSERT INTO ticket_services (ticket_id, service_id, position)
        SELECT $1, id, position
        FROM unnest($2::uuid[]) WITH ORDINALITY AS named (id, position)
        """,
        ticket.id,
        ticket.service_ids,
    )


def _found(row: Record | None, ticket_id: UUID) -> Ticket:
    if row is None:
        raise NotFound("there is no ticket {ticket}", ticket=ticket_id)
    return _ticket(row)


def _ticket(row: Record) -> Ticket:
    ticket = Ticket(
        id=row["id"],
        protocol=row["protocol"],
        customer_id=row["customer_id"],
        requester_id=row["requester_id"],
        internal=row["internal"],
        department=row["department"],
        subject=row["subject"],
        status=Status(row["status"]),
        priority=Priority(row["priority"]),
        invoice_id=row["invoice_id"],
        service_ids=tuple(row["service_ids"]),
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        closed_at=row["closed_at"],
        closed_by=AuthorKind(row["closed_by"]) if row["closed_by"] else None,
        answer_minutes=row["answer_minutes"],
    )
    # The release before this one neither sets nor clears it.
    since = row["waiting_since"] or ticket.updated_at
    return replace(ticket, waiting_since=since) if ticket.awaits_staff else ticket


def _message(row: Record, files: Sequence[Attachment]) -> Message:
    return Message(
        id=row["id"],
        ticket_id=row["ticket_id"],
        kind=MessageKind(row["kind"]),
        author=Author(
            AuthorKind(row["author_kind"]), row["author_id"], row["author_name"]
        ),
        text=row["text"],
        at=row["at"],
        attachments=tuple(files),
    )
