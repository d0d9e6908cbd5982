"""What customers do with their tickets: ask, follow, reply, close, reopen."""

import asyncio
from typing import TypeVar
from uuid import UUID

from aiohttp import web

from chassis.http import Page
from chassis.http.policies import customer
from contracts.api.billing.invoices import InvoiceView
from contracts.api.billing.orders import ServiceView
from contracts.api.tickets import (
    DepartmentView,
    ExpectedAnswerView,
    MessageView,
    TicketView,
    TicketWithMessagesView,
)
from gateway.portal.forms import Form
from gateway.portal.languages import N_, current_language, gettext
from gateway.portal.pages import Pages
from gateway.portal.views.attachments import (
    FILES_FIELD,
    files_of,
    send_message,
    take_file,
)
from gateway.portal.views.beside import find_beside
from gateway.portal.visit import Visit

T = TypeVar("T")

#: More than a page of the API holds isn't offered.
MOST_SERVICES = 100
#: Those that can be used first.
SERVICE_STATUSES = ("active", "pending", "suspended", "cancelled", "terminated")
PRIORITIES = tuple(ExpectedAnswerView.model_fields)
USUAL_PRIORITY = "medium"
ASKED = ("department", "subject", "message", "priority", "invoice_id")


pages = Pages()


@pages.get("/tickets", policy=customer("tickets"))
async def list_tickets(visit: Visit) -> web.Response:
    """Show the open tickets first, then the closed ones, or one of both alone."""
    chosen, cursor = visit.query.get("status"), visit.query.get("cursor")
    is_past_open = chosen == "closed" or visit.query.get("after") == "open"
    opened, closed, departments = await asyncio.gather(
        _list(visit, closed=False, cursor=None if is_past_open else cursor),
        _list(visit, closed=True, cursor=cursor if is_past_open else None),
        department_names(visit),
    )
    shown = [] if is_past_open else [*opened.items]
    if chosen != "open" and (is_past_open or opened.next is None):
        shown += closed.items
    return visit.render(
        "tickets/list.html",
        chosen=chosen if chosen in ("open", "closed") else "",
        tickets=shown,
        opened=opened,
        closed=closed,
        is_past_open=is_past_open,
        departments=departments,
    )


@pages.get("/tickets/new", policy=customer("tickets"))
async def show_new_ticket(visit: Visit) -> web.Response:
    """Show the form, filled in with what the page before already knew."""
    form = Form.filled(
        department=visit.query.get("department"),
        subject=visit.query.get("subject"),
        message=visit.query.get("message"),
        priority=visit.query.get("priority", USUAL_PRIORITY),
        invoice_id=visit.query.get("invoice"),
        service_ids=visit.query.get("service"),
        proof=visit.query.get("proof"),
    )
    return await _new_ticket_page(visit, form)


@pages.post("/tickets/new", policy=customer("tickets"), take=take_file)
async def open_ticket(visit: Visit) -> web.Response:
    """Send what was typed; a payment's proof is a file, so one is asked for there."""
    if visit.form["proof"] and not (visit.form.files or files_of(visit.form)):
        visit.form.refuse(gettext("Please choose the file"), field=FILES_FIELD)
        return await _new_ticket_page(visit, visit.form)
    body = {**visit.form.body(*ASKED), "service_ids": visit.form.all("service_ids")}
    ticket = await send_message(visit, "/tickets", TicketView, body)
    if ticket is None:
        return await _new_ticket_page(visit, visit.form)
    notice = N_("We have your request. Please keep its protocol number.")
    return visit.go(f"/tickets/{ticket.id}", notice=notice)


@pages.get("/tickets/{ticket_id}", policy=customer("tickets"))
async def show_ticket(visit: Visit, ticket_id: UUID) -> web.Response:
    return await _ticket_page(visit, ticket_id)


@pages.post("/tickets/{ticket_id}", policy=customer("tickets"), take=take_file)
async def reply_to_ticket(visit: Visit, ticket_id: UUID) -> web.Response:
    path = f"/tickets/{ticket_id}"
    body = visit.form.body("message")
    if await send_message(visit, f"{path}/replies", MessageView, body) is None:
        return await _ticket_page(visit, ticket_id)
    return visit.go(path, notice=N_("Your reply is sent."))


@pages.post("/tickets/{ticket_id}/close", policy=customer("tickets"))
async def close_ticket(visit: Visit, ticket_id: UUID) -> web.Response:
    path = f"/tickets/{ticket_id}"
    await visit.api.act("POST", f"{path}/close", key=visit.form.key)
    return visit.go(path, notice=N_("The ticket is closed."))


@pages.post("/tickets/{ticket_id}/reopen", policy=customer("tickets"))
async def reopen_ticket(visit: Visit, ticket_id: UUID) -> web.Response:
    path = f"/tickets/{ticket_id}"
    await visit.api.act("POST", f"{path}/reopen", key=visit.form.key)
    return visit.go(path, notice=N_("The ticket is open again."))


@pages.get("/tickets/{ticket_id}/{_action}", policy=customer("tickets"))
async def lead_back(visit: Visit, ticket_id: UUID, _action: str) -> web.Response:
    """Lead whoever logged in on the way to an action to its ticket."""
    return visit.go(f"/tickets/{ticket_id}")


async def department_names(visit: Visit) -> dict[str, str]:
    """Return what departments are called, by slug."""
    return {each.slug: each.name for each in await list_departments(visit)}


async def list_departments(visit: Visit) -> list[DepartmentView]:
    found = await visit.api.get(
        "/departments", Page[DepartmentView], language=current_language(), limit=100
    )
    return found.items


async def _list(visit: Visit, *, closed: bool, cursor: str | None) -> Page[TicketView]:
    return await visit.api.get(
        "/tickets", Page[TicketView], closed=closed, cursor=cursor, count=True
    )


async def _new_ticket_page(visit: Visit, form: Form) -> web.Response:
    departments, services, invoice = await asyncio.gather(
        list_departments(visit),
        _services(visit),
        _invoice(visit, form["invoice_id"]),
    )
    return visit.render(
        "tickets/new.html",
        status=form.status,
        form=form,
        departments=departments,
        choices=[(each.slug, each.name) for each in departments],
        department=next((d for d in departments if d.slug == form["department"]), None),
        services=services,
        invoice=invoice,
        priorities=PRIORITIES,
        files=files_of(form),
    )


async def _services(visit: Visit) -> list[ServiceView]:
    """Return what the ticket may be about, what is in use first."""
    found = await find_beside(
        visit, "services", "/services", Page[ServiceView], limit=MOST_SERVICES
    )
    services = found.items if found else []
    return sorted(services, key=lambda each: SERVICE_STATUSES.index(each.status))


async def _invoice(visit: Visit, invoice_id: str) -> InvoiceView | None:
    try:
        path = f"/invoices/{UUID(invoice_id)}"
    except ValueError:
        return None
    return await find_beside(visit, "billing", path, InvoiceView)


async def _service(visit: Visit, service_id: UUID) -> ServiceView | None:
    return await find_beside(visit, "services", f"/services/{service_id}", ServiceView)


async def _ticket_page(visit: Visit, ticket_id: UUID) -> web.Response:
    ticket, departments = await asyncio.gather(
        visit.api.get(f"/tickets/{ticket_id}", TicketWithMessagesView),
        department_names(visit),
    )
    related, invoice = await asyncio.gather(
        asyncio.gather(*(_service(visit, each) for each in ticket.service_ids)),
        _invoice(visit, str(ticket.invoice_id)),
    )
    return visit.render(
        "tickets/ticket.html",
        status=visit.form.status,
        form=visit.form,
        files=files_of(visit.form),
        ticket=ticket,
        department=departments.get(ticket.department, ticket.department),
        services=[service for service in related if service is not None],
        invoice=invoice,
    )
