"""What customers do with their tickets."""

from uuid import UUID

from chassis.http import Call, Page, Routes, customer, decode_cursor
from contracts.api.tickets import (
    ListTickets,
    MessageView,
    OpenTicket,
    TicketView,
    TicketWithMessagesView,
    WriteMessage,
)
from services.tickets.api.callers import find_author
from services.tickets.api.views import view_conversation, view_message, view_ticket
from services.tickets.commands import conversation as commands
from services.tickets.domain.people import AuthorKind
from services.tickets.store import tickets as store
from services.tickets.store.projections import find_owned
from services.tickets.store.tickets import TicketFilter

routes = Routes(tag="tickets")


@routes.post("/tickets", policy=customer("tickets"), status=201)
async def open_ticket(call: Call, body: OpenTicket) -> TicketView:
    """Open a ticket.

    The answer's protocol names the ticket in every mail. A ticket to the finance
    department that names an invoice carries the proof of its payment.
    """
    author = await find_author(call)
    await _wait_for_related(call, body)
    async with call.transaction() as tx:
        ticket = await commands.open_ticket(
            tx, body, customer_id=call.customer_id, author=author, now=call.now
        )
        return await call.complete(tx, view_ticket(ticket))


@routes.get("/tickets", policy=customer("tickets"))
async def list_tickets(call: Call, query: ListTickets) -> Page[TicketView]:
    """List the caller's tickets, newest first."""
    wanted = TicketFilter(
        customer_id=call.customer_id,
        status=query.status,
        closed=query.closed,
        invoice_id=query.invoice_id,
    )
    before = decode_cursor(query.cursor, UUID)
    async with call.reading() as tx:
        tickets = await store.list_tickets(
            tx, wanted, before=before and before[0], limit=query.limit + 1
        )
        total = await query.total(tickets, lambda: store.count_tickets(tx, wanted))
    return Page[TicketView].of(
        [view_ticket(ticket) for ticket in tickets],
        limit=query.limit,
        cursor=lambda ticket: (ticket.id,),
        total=total,
    )


@routes.get("/tickets/{ticket_id}", policy=customer("tickets"))
async def show_ticket(call: Call, ticket_id: UUID) -> TicketWithMessagesView:
    """Show a ticket with its messages, oldest first."""
    async with call.reading() as tx:
        ticket = await store.get_ticket(tx, ticket_id, scope=call.customer_id)
        messages = await store.list_messages(tx, ticket_id, with_notes=False)
    return view_conversation(ticket, messages)


@routes.post("/tickets/{ticket_id}/replies", policy=customer("tickets"), status=201)
async def reply_to_ticket(
    call: Call, ticket_id: UUID, body: WriteMessage
) -> MessageView:
    """Write again in a ticket; a closed one is open again by that."""
    author = await find_author(call)
    async with call.transaction() as tx:
        message = await commands.reply_to_ticket(
            tx,
            ticket_id,
            body,
            customer_id=call.customer_id,
            author=author,
            now=call.now,
        )
        return await call.complete(tx, view_message(message))


@routes.post("/tickets/{ticket_id}/close", policy=customer("tickets"))
async def close_ticket(call: Call, ticket_id: UUID) -> TicketView:
    """Close a ticket; closing it twice changes nothing."""
    async with call.transaction() as tx:
        ticket = await commands.close_ticket(
            tx,
            ticket_id,
            scope=call.customer_id,
            by=AuthorKind.CUSTOMER,
            now=call.now,
        )
        return await call.complete(tx, view_ticket(ticket))


@routes.post("/tickets/{ticket_id}/reopen", policy=customer("tickets"))
async def reopen_ticket(call: Call, ticket_id: UUID) -> TicketView:
    """Open a closed ticket again; any other stays as it is."""
    async with call.transaction() as tx:
        ticket = await commands.reopen_ticket(
            tx, ticket_id, scope=call.customer_id, now=call.now
        )
        return await call.complete(tx, view_ticket(ticket))


async def _wait_for_related(call: Call, body: OpenTicket) -> None:
    """Let billing's news arrive; the command judges what came."""
    if body.service_ids or body.invoice_id:
        await call.wait_for(
            lambda tx: find_owned(
                tx, call.customer_id, body.service_ids, body.invoice_id
            ),
            of="billing",
        )
