"""What staff does with everybody's tickets, and with its own tasks."""

from datetime import datetime
from uuid import UUID

from chassis.db import Transaction
from chassis.http import Call, Page, Routes, decode_cursor, staff
from contracts.api.tickets import (
    ListStaffTasks,
    ListStaffTickets,
    StaffMessageView,
    StaffTicketView,
    StaffTicketWithMessagesView,
    WriteMessage,
    WriteNote,
)
from services.tickets.api.callers import find_author
from services.tickets.api.views import (
    view_conversation_for_staff,
    view_message_for_staff,
    view_ticket_for_staff,
)
from services.tickets.commands import conversation as commands
from services.tickets.domain.people import AuthorKind
from services.tickets.domain.tickets import Ticket, read_protocol
from services.tickets.store import tickets as store
from services.tickets.store.projections import list_customer_names
from services.tickets.store.tickets import TicketFilter

routes = Routes(tag="tickets")


@routes.get("/staff/tickets", policy=staff("tickets.read"))
async def list_staff_tickets(
    call: Call, query: ListStaffTickets
) -> Page[StaffTicketView]:
    """List all customers' tickets, newest first, or by when answers are due."""
    wanted = _wanted(query, internal=False)
    if query.awaiting:
        return await _list_to_answer(call, query, wanted)
    return await _list(call, query, wanted)


@routes.get("/staff/tasks", policy=staff("tickets.read"))
async def list_staff_tasks(call: Call, query: ListStaffTasks) -> Page[StaffTicketView]:
    """List the staff's tasks, newest first: internal tickets, shown to nobody else."""
    return await _list(call, query, _wanted(query, internal=True))


@routes.get("/staff/tickets/{ticket_id}", policy=staff("tickets.read"))
async def show_staff_ticket(call: Call, ticket_id: UUID) -> StaffTicketWithMessagesView:
    """Show a ticket or a task with its messages and notes, oldest first."""
    async with call.reading() as tx:
        ticket = await store.get_ticket(tx, ticket_id, scope=None)
        messages = await store.list_messages(tx, ticket_id, with_notes=True)
        names = await _names(tx, [ticket])
    name = names.get(ticket.customer_id)
    return view_conversation_for_staff(ticket, messages, name)


@routes.post(
    "/staff/tickets/{ticket_id}/replies", policy=staff("tickets.answer"), status=201
)
async def answer_ticket(
    call: Call, ticket_id: UUID, body: WriteMessage
) -> StaffMessageView:
    """Answer the customer, in public."""
    author = await find_author(call)
    async with call.transaction() as tx:
        message = await commands.answer_ticket(
            tx, ticket_id, body, author=author, now=call.now
        )
        return await call.complete(tx, view_message_for_staff(message))


@routes.post(
    "/staff/tickets/{ticket_id}/notes", policy=staff("tickets.answer"), status=201
)
async def add_note(call: Call, ticket_id: UUID, body: WriteNote) -> StaffMessageView:
    """Write a note that only staff reads; nobody is told of it."""
    author = await find_author(call)
    async with call.transaction() as tx:
        note = await commands.add_note(
            tx, ticket_id, body.message, author=author, now=call.now
        )
        return await call.complete(tx, view_message_for_staff(note))


@routes.post("/staff/tickets/{ticket_id}/hold", policy=staff("tickets.answer"))
async def hold_ticket(call: Call, ticket_id: UUID) -> StaffTicketView:
    """Set a ticket or a task aside until something outside happens.

    No answer is expected meanwhile; a reply of the customer's takes it up again.
    """
    async with call.transaction() as tx:
        ticket = await commands.hold_ticket(tx, ticket_id, now=call.now)
        return await call.complete(tx, await _view(tx, ticket))


@routes.post("/staff/tickets/{ticket_id}/close", policy=staff("tickets.answer"))
async def close_ticket_as_staff(call: Call, ticket_id: UUID) -> StaffTicketView:
    """Close a ticket or a task; closing it twice changes nothing."""
    async with call.transaction() as tx:
        ticket = await commands.close_ticket(
            tx, ticket_id, scope=None, by=AuthorKind.STAFF, now=call.now
        )
        return await call.complete(tx, await _view(tx, ticket))


@routes.post("/staff/tickets/{ticket_id}/reopen", policy=staff("tickets.answer"))
async def reopen_ticket_as_staff(call: Call, ticket_id: UUID) -> StaffTicketView:
    """Open a closed ticket or task again; any other stays as it is."""
    async with call.transaction() as tx:
        ticket = await commands.reopen_ticket(tx, ticket_id, scope=None, now=call.now)
        return await call.complete(tx, await _view(tx, ticket))


def _wanted(query: ListStaffTasks, *, internal: bool) -> TicketFilter:
    return TicketFilter(
        internal=internal,
        customer_id=query.customer_id,
        status=query.status,
        closed=query.closed,
        department=query.department,
        search=query.q,
        protocol=read_protocol(query.q or ""),
        invoice_id=query.invoice_id,
    )


async def _list(
    call: Call, query: ListStaffTasks, wanted: TicketFilter
) -> Page[StaffTicketView]:
    before = decode_cursor(query.cursor, UUID)
    async with call.reading() as tx:
        await _require_department(tx, query)
        tickets = await store.list_tickets(
            tx, wanted, before=before and before[0], limit=query.limit + 1
        )
        total = await query.total(tickets, lambda: store.count_tickets(tx, wanted))
        names = await _names(tx, tickets)
    return Page[StaffTicketView].of(
        [view_ticket_for_staff(t, names.get(t.customer_id)) for t in tickets],
        limit=query.limit,
        cursor=lambda ticket: (ticket.id,),
        total=total,
    )


async def _list_to_answer(
    call: Call, query: ListStaffTickets, wanted: TicketFilter
) -> Page[StaffTicketView]:
    after = decode_cursor(query.cursor, datetime, UUID)
    async with call.reading() as tx:
        await _require_department(tx, query)
        tickets = await store.list_tickets_to_answer(
            tx, wanted, after=after, limit=query.limit + 1
        )
        total = await query.total(
            tickets, lambda: store.count_tickets_to_answer(tx, wanted)
        )
        names = await _names(tx, tickets)
    return Page[StaffTicketView].of(
        [view_ticket_for_staff(t, names.get(t.customer_id)) for t in tickets],
        limit=query.limit,
        cursor=lambda ticket: (ticket.expected_answer_at, ticket.id),
        total=total,
    )


async def _require_department(tx: Transaction, query: ListStaffTasks) -> None:
    if query.department is not None:
        await commands.require_department(tx, query.department)


async def _view(tx: Transaction, ticket: Ticket) -> StaffTicketView:
    names = await _names(tx, [ticket])
    return view_ticket_for_staff(ticket, names.get(ticket.customer_id))


async def _names(tx: Transaction, tickets: list[Ticket]) -> dict[UUID | None, str]:
    """Return the names of the tickets' customers."""
    customer_ids = {t.customer_id for t in tickets if t.customer_id is not None}
    return {**await list_customer_names(tx, list(customer_ids))}
