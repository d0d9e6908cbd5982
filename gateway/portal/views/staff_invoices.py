"""Invoices of all customers: found, looked at, downloaded, and voided with a reason."""

import asyncio
from typing import get_args
from uuid import UUID

from aiohttp import web

from chassis.http import Page
from chassis.http.policies import staff
from contracts.api.billing.invoices import InvoiceStatusName, StaffInvoiceView
from contracts.api.billing.payments import StaffPaymentView
from contracts.api.tickets import StaffTicketView
from gateway.portal.forms import Form
from gateway.portal.languages import N_
from gateway.portal.pages import Pages
from gateway.portal.views.invoice import last_day
from gateway.portal.views.staff_latest import latest
from gateway.portal.visit import Visit
from gateway.portal.wording import label

STATUSES: tuple[str, ...] = get_args(InvoiceStatusName)

pages = Pages()


@pages.get("/staff/invoices", policy=staff("invoices.read"))
async def list_invoices(visit: Visit) -> web.Response:
    status = visit.query.get("status")
    chosen = status if status in STATUSES else None
    q = visit.query.get("q", "").strip() or None
    customer = visit.query.get("customer") or None
    invoices = await visit.api.get(
        "/staff/invoices",
        Page[StaffInvoiceView],
        status=chosen,
        q=q,
        customer_id=customer,
        cursor=visit.query.get("cursor"),
        count=True,
    )
    return visit.render(
        "staff_invoices/list.html",
        invoices=invoices,
        statuses=[(status, label(status, "invoice")) for status in STATUSES],
        chosen=chosen,
        q=q,
        customer=customer,
    )


@pages.get("/staff/invoices/{invoice_id}", policy=staff("invoices.read"))
async def show_invoice(visit: Visit, invoice_id: UUID) -> web.Response:
    return await _show(visit, invoice_id)


@pages.post("/staff/invoices/{invoice_id}", policy=staff("invoices.write"))
async def void_invoice(visit: Visit, invoice_id: UUID) -> web.Response:
    form, path = visit.form, f"/staff/invoices/{invoice_id}"
    voiding = visit.api.post(
        f"{path}/void", StaffInvoiceView, form.body("reason"), key=form.key
    )
    if await form.send(voiding) is None:
        return await _show(visit, invoice_id)
    return visit.go(path, notice=N_("The invoice is void."))


@pages.get("/staff/invoices/{invoice_id}/pdf", policy=staff("invoices.read"))
async def download_pdf(visit: Visit, invoice_id: UUID) -> web.StreamResponse:
    path = f"/staff/invoices/{invoice_id}/pdf"
    return await visit.api.download(path, visit.request)


async def _show(visit: Visit, invoice_id: UUID) -> web.Response:
    invoice, payments, tickets = await asyncio.gather(
        visit.api.get(f"/staff/invoices/{invoice_id}", StaffInvoiceView),
        latest(visit, "payments", StaffPaymentView, invoice_id=invoice_id),
        latest(visit, "tickets", StaffTicketView, invoice_id=invoice_id),
    )
    return visit.render(
        "staff_invoices/invoice.html",
        status=visit.form.status,
        form=visit.form if visit.form.is_refused else Form(),
        invoice=invoice,
        last_day=last_day,
        payments=payments,
        tickets=tickets,
    )
