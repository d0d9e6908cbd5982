"""What staff does with tickets and its own tasks: find, answer, note, set aside, close.

An answer and a note have fields and addresses of their own, so that a note never goes
out as an answer; what isn't sent yet stays in the page when the other is.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from aiohttp import web

from chassis.http import Page
from chassis.http.policies import staff
from contracts.api.accounts import CustomerView
from contracts.api.billing.invoices import StaffInvoiceView
from contracts.api.billing.orders import StaffServiceView
from contracts.api.billing.payments import StaffPaymentView
from contracts.api.tickets import (
    StaffMessageView,
    StaffTicketView,
    StaffTicketWithMessagesView,
)
from gateway.portal.forms import KEPT_FIELD, Form
from gateway.portal.languages import N_
from gateway.portal.pages import Pages
from gateway.portal.views.attachments import (
    FILES_FIELD,
    files_of,
    refuse_files,
    send_message,
    take_file,
)
from gateway.portal.views.beside import find_beside
from gateway.portal.views.staff_clock import business_time
from gateway.portal.views.tickets import department_names
from gateway.portal.visit import Visit
from gateway.portal.wording import label

#: To be answered, all of the customers', the staff's own.
LISTS = ("answer", "all", "tasks")
#: What a ticket proves, and the bank tells nobody of but us.
BY_HAND = ("bank_transfer", "deposit")
STATUSES = ("open", "customer_reply", "answered", "on_hold", "closed")

pages = Pages()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which tickets the list shows."""

    list: str
    status: str | None
    department: str | None
    q: str | None

    @classmethod
    def of(cls, visit: Visit) -> "Wanted":
        """Read the query; whoever searches, searches everything."""
        query = visit.query
        status = query.get("status") if query.get("status") in STATUSES else None
        q = query.get("q", "").strip() or None
        chosen = query.get("list")
        if chosen not in LISTS:
            chosen = "all" if q or status else "answer"
        return cls(chosen, status, query.get("department") or None, q)


@pages.get("/staff/tickets", policy=staff("tickets.read"))
async def list_tickets(visit: Visit) -> web.Response:
    """Show what is to be answered, what is due first on top; or all, or the tasks."""
    wanted = Wanted.of(visit)
    tickets, departments, now = await asyncio.gather(
        _list(visit, wanted), department_names(visit), business_time(visit)
    )
    return visit.render(
        "staff_tickets/list.html",
        wanted=wanted,
        tickets=tickets,
        departments=departments,
        statuses=[(status, label(status, "ticket")) for status in STATUSES],
        now=now,
    )


@pages.get("/staff/tickets/{ticket_id}", policy=staff("tickets.read"))
async def show_ticket(visit: Visit, ticket_id: UUID) -> web.Response:
    return await _ticket_page(visit, ticket_id, Form())


@pages.post(
    "/staff/tickets/{ticket_id}", policy=staff("tickets.answer"), take=take_file
)
async def answer_ticket(visit: Visit, ticket_id: UUID) -> web.Response:
    path = f"/staff/tickets/{ticket_id}"
    body = visit.form.body("message")
    if await send_message(visit, f"{path}/replies", StaffMessageView, body) is None:
        return await _ticket_page(visit, ticket_id, visit.form, wrong="message")
    notice = N_("The answer is on its way to the customer.")
    return await _go_on(visit, ticket_id, Form(_typed(visit, "note")), notice)


@pages.post(
    "/staff/tickets/{ticket_id}/notes", policy=staff("tickets.answer"), take=take_file
)
async def add_note(visit: Visit, ticket_id: UUID) -> web.Response:
    path, form = f"/staff/tickets/{ticket_id}", visit.form
    body = {"message": form["note"]}
    note = visit.api.post(f"{path}/notes", StaffMessageView, body, key=form.key)
    if await form.send(note) is None:
        if "message" in form.errors:
            form.errors["note"] = form.errors.pop("message")
        refuse_files(form)
        return await _ticket_page(visit, ticket_id, form, wrong="note")
    answer = Form(_typed(visit, "message", FILES_FIELD, KEPT_FIELD), form.files)
    notice = N_("The note is saved. Only staff can see it.")
    return await _go_on(visit, ticket_id, answer, notice)


@pages.post("/staff/tickets/{ticket_id}/hold", policy=staff("tickets.answer"))
async def hold_ticket(visit: Visit, ticket_id: UUID) -> web.Response:
    notice = N_("The ticket is on hold until the customer replies.")
    return await _move(visit, ticket_id, "hold", notice)


@pages.post("/staff/tickets/{ticket_id}/close", policy=staff("tickets.answer"))
async def close_ticket(visit: Visit, ticket_id: UUID) -> web.Response:
    return await _move(visit, ticket_id, "close", N_("The ticket is closed."))


@pages.post("/staff/tickets/{ticket_id}/reopen", policy=staff("tickets.answer"))
async def reopen_ticket(visit: Visit, ticket_id: UUID) -> web.Response:
    return await _move(visit, ticket_id, "reopen", N_("The ticket is open again."))


@pages.get("/staff/tickets/{ticket_id}/{_action}", policy=staff("tickets.read"))
async def lead_back(visit: Visit, ticket_id: UUID, _action: str) -> web.Response:
    """Lead whoever logged in on the way to an action to its ticket."""
    return visit.go(f"/staff/tickets/{ticket_id}")


async def _move(
    visit: Visit, ticket_id: UUID, action: str, notice: str
) -> web.Response:
    path = f"/staff/tickets/{ticket_id}"
    await visit.api.act("POST", f"{path}/{action}", key=visit.form.key)
    return visit.go(path, notice=notice)


async def _list(visit: Visit, wanted: Wanted) -> Page[StaffTicketView]:
    is_tasks, is_due = wanted.list == "tasks", wanted.list == "answer"
    return await visit.api.get(
        "/staff/tasks" if is_tasks else "/staff/tickets",
        Page[StaffTicketView],
        awaiting="staff" if is_due else None,
        status=None if is_due else wanted.status,
        # Tasks that are done interest those alone who ask for them.
        closed=False if is_tasks and not wanted.status else None,
        department=wanted.department,
        q=wanted.q,
        cursor=visit.query.get("cursor"),
        count=True,
    )


def _typed(visit: Visit, *names: str) -> dict[str, Sequence[str]]:
    return {name: visit.form.all(name) for name in names}


async def _go_on(
    visit: Visit, ticket_id: UUID, unsent: Form, notice: str
) -> web.Response:
    """Lead back to the ticket; with what isn't sent yet it is shown at once instead.

    A reload repeats the request, and its key makes that harmless.
    """
    if not unsent.files and not any(
        text for typed in unsent.values.values() for text in typed
    ):
        return visit.go(f"/staff/tickets/{ticket_id}", notice=notice)
    refuse_files(unsent)
    visit.tell(notice)
    wrong = "message" if unsent.is_refused else ""
    return await _ticket_page(visit, ticket_id, unsent, wrong=wrong)


async def _ticket_page(
    visit: Visit, ticket_id: UUID, form: Form, *, wrong: str = ""
) -> web.Response:
    """Show the ticket; `wrong` is the field that the form's faults are shown with."""
    ticket, departments, now = await asyncio.gather(
        visit.api.get(f"/staff/tickets/{ticket_id}", StaffTicketWithMessagesView),
        department_names(visit),
        business_time(visit),
    )
    return visit.render(
        "staff_tickets/ticket.html",
        status=form.status,
        form=form,
        wrong=wrong,
        files=files_of(form),
        ticket=ticket,
        department=departments.get(ticket.department, ticket.department),
        about=await _about(visit, ticket),
        now=now,
    )


@dataclass(frozen=True, slots=True)
class About:
    """Whom and what the ticket is about, as far as the reader may see it."""

    customer: CustomerView | None
    invoice: StaffInvoiceView | None
    payments: list[StaffPaymentView]
    services: list[StaffServiceView]

    def bookable(self, ticket: StaffTicketView) -> list[StaffPaymentView]:
        """Return the payments that the ticket may prove: those that are awaited.

        Where none is, and the invoice was paid in another way, money may still come for
        the last that was awaited: it isn't to be forgotten while the ticket is open.
        """
        awaited = [p for p in self.payments if p.status == "awaiting_confirmation"]
        is_paid = self.invoice is not None and self.invoice.status == "paid"
        if awaited or not is_paid or ticket.status == "closed":
            return awaited
        given_up = [
            payment
            for payment in self.payments
            if payment.status == "cancelled" and payment.method in BY_HAND
        ]
        return given_up[:1]


async def _about(visit: Visit, ticket: StaffTicketView) -> About:
    customer, invoice, payments, services = await asyncio.gather(
        _customer(visit, ticket.customer_id),
        _invoice(visit, ticket.invoice_id),
        _payments(visit, ticket.invoice_id),
        asyncio.gather(*(_service(visit, each) for each in ticket.service_ids)),
    )
    return About(customer, invoice, payments, [each for each in services if each])


async def _customer(visit: Visit, customer_id: UUID | None) -> CustomerView | None:
    if customer_id is None:
        return None
    path = f"/staff/customers/{customer_id}"
    return await find_beside(visit, "customers.read", path, CustomerView)


async def _invoice(visit: Visit, invoice_id: UUID | None) -> StaffInvoiceView | None:
    if invoice_id is None:
        return None
    path = f"/staff/invoices/{invoice_id}"
    return await find_beside(visit, "invoices.read", path, StaffInvoiceView)


async def _payments(visit: Visit, invoice_id: UUID | None) -> list[StaffPaymentView]:
    if invoice_id is None:
        return []
    path, model = "/staff/payments", Page[StaffPaymentView]
    found = await find_beside(
        visit, "payments.read", path, model, invoice_id=invoice_id
    )
    return found.items if found else []


async def _service(visit: Visit, service_id: UUID) -> StaffServiceView | None:
    path = f"/staff/services/{service_id}"
    return await find_beside(visit, "services.read", path, StaffServiceView)
