"""One invoice: all of it, how to pay it, what was paid, and its PDF."""

import asyncio
from datetime import date, timedelta
from uuid import UUID

from aiohttp import web

from chassis.http import Page
from chassis.http.policies import customer
from contracts.api.billing.invoices import InvoiceLineView, InvoiceView
from contracts.api.billing.payments import PaymentView
from contracts.api.tickets import TicketView
from gateway.portal.forms import Form
from gateway.portal.languages import N_
from gateway.portal.pages import Pages
from gateway.portal.views.beside import find_beside
from gateway.portal.views.invoices import UNDER_WAY
from gateway.portal.views.paying import pay, quote
from gateway.portal.visit import Visit

pages = Pages()


@pages.get("/invoices/{invoice_id}", policy=customer("billing"))
async def show_invoice(visit: Visit, invoice_id: UUID) -> web.Response:
    return await _show(visit, Form({"credit": ["on"]}), invoice_id)


@pages.post("/invoices/{invoice_id}", policy=customer("billing"))
async def pay_invoice(visit: Visit, invoice_id: UUID) -> web.Response:
    """Do what was pressed: pay, take credit back, or only say what remains."""
    done = None
    if visit.form["do"] == "credit-back":
        done = await _take_credit_back(visit, invoice_id)
    elif visit.form["do"] != "sum":
        done = await pay(visit, [invoice_id])
    return done or await _show(visit, visit.form, invoice_id)


@pages.get("/invoices/{invoice_id}/pdf", policy=customer("billing"))
async def download_pdf(visit: Visit, invoice_id: UUID) -> web.StreamResponse:
    return await visit.api.download(f"/invoices/{invoice_id}/pdf", visit.request)


def last_day(line: InvoiceLineView) -> date | None:
    """Return the last day that a line pays for."""
    return line.period_end - timedelta(days=1) if line.period_end else None


async def _take_credit_back(visit: Visit, invoice_id: UUID) -> web.Response | None:
    path = f"/invoices/{invoice_id}"
    if await visit.form.send(visit.api.act("DELETE", f"{path}/credit")) is None:
        return None
    return visit.go(path, notice=N_("The credit is back in your balance."))


async def _show(visit: Visit, form: Form, invoice_id: UUID) -> web.Response:
    get = visit.api.get
    invoice, payments, ticket = await asyncio.gather(
        get(f"/invoices/{invoice_id}", InvoiceView),
        get("/payments", Page[PaymentView], invoice_id=invoice_id, limit=100),
        find_ticket(visit, invoice_id),
    )
    quoted = await quote(visit, [invoice] if invoice.status == "open" else [], form)
    is_proved = ticket is not None and ticket.status != "closed"
    proved = {each.id for each in payments.items} if is_proved else set[UUID]()
    return visit.render(
        "invoices/invoice.html",
        status=form.status,
        form=form,
        invoice=invoice,
        last_day=last_day,
        payments=payments.items,
        proved=proved,
        under_way=next((p for p in payments.items if p.status in UNDER_WAY), None),
        ticket=ticket,
        quote=quoted,
    )


async def find_ticket(visit: Visit, invoice_id: UUID) -> TicketView | None:
    """Return the latest ticket about the invoice; without it the page does as well."""
    tickets = await find_beside(
        visit, "tickets", "/tickets", Page[TicketView], invoice_id=invoice_id, limit=1
    )
    return next(iter(tickets.items), None) if tickets else None
