"""The routes of invoices and their PDFs."""

from datetime import datetime
from uuid import UUID

from chassis.http import Call, Page, Response, Routes, customer, decode_cursor, staff
from contracts.api.billing.invoices import (
    InvoiceView,
    ListInvoices,
    ListStaffInvoices,
    OutstandingView,
)
from contracts.money import MoneyModel
from services.billing.api.documents import DOCUMENTS
from services.billing.api.views import view_invoice
from services.billing.domain.invoices import InvoiceStatus
from services.billing.settings import SETTINGS
from services.billing.store import invoices as store
from services.billing.store.invoices import InvoiceFilter

routes = Routes(tag="invoices")


@routes.get("/invoices", policy=customer("billing"))
async def list_invoices(call: Call, query: ListInvoices) -> Page[InvoiceView]:
    """List the caller's invoices, newest first."""
    return await _list(call, query, scope=call.customer_id)


@routes.get("/invoices/outstanding", policy=customer("billing"))
async def sum_outstanding(call: Call) -> OutstandingView:
    """Sum up what remains of the caller's open invoices, by currency."""
    async with call.reading() as tx:
        outstanding = await store.list_outstanding(tx, call.customer_id)
    return OutstandingView(
        totals=[MoneyModel.of(remaining) for remaining, _ in outstanding],
        invoices=sum(number for _, number in outstanding),
    )


@routes.get("/invoices/{invoice_id}", policy=customer("billing"))
async def show_invoice(call: Call, invoice_id: UUID) -> InvoiceView:
    """Show one invoice."""
    return await _show(call, invoice_id)


@routes.get(
    "/invoices/{invoice_id}/pdf",
    policy=customer("billing"),
    media_type="application/pdf",
)
async def download_invoice(call: Call, invoice_id: UUID) -> Response:
    """Download an invoice as PDF, in the customer's language."""
    return await _download(call, invoice_id)


@routes.get("/staff/invoices", policy=staff("invoices.read"))
async def list_staff_invoices(
    call: Call, query: ListStaffInvoices
) -> Page[InvoiceView]:
    """List all customers' invoices, or one's, newest first."""
    return await _list(call, query, scope=query.customer_id, number=query.q)


@routes.get("/staff/invoices/{invoice_id}", policy=staff("invoices.read"))
async def show_staff_invoice(call: Call, invoice_id: UUID) -> InvoiceView:
    """Show any customer's invoice."""
    return await _show(call, invoice_id)


@routes.get(
    "/staff/invoices/{invoice_id}/pdf",
    policy=staff("invoices.read"),
    media_type="application/pdf",
)
async def download_staff_invoice(call: Call, invoice_id: UUID) -> Response:
    """Download any customer's invoice as PDF, in the customer's language."""
    return await _download(call, invoice_id)


async def _list(
    call: Call, query: ListInvoices, *, scope: UUID | None, number: str | None = None
) -> Page[InvoiceView]:
    wanted = InvoiceFilter(
        scope=scope,
        status=InvoiceStatus(query.status) if query.status else None,
        number=number,
    )
    before = decode_cursor(query.cursor, datetime, UUID)
    async with call.reading() as tx:
        found = await store.list_invoices(
            tx, wanted, before=before, limit=query.limit + 1
        )
        total = await store.count_invoices(tx, wanted) if query.count else None
    terms = call.resources[SETTINGS].payment_terms
    return Page[InvoiceView].of(
        [view_invoice(invoice, terms) for invoice in found],
        limit=query.limit,
        cursor=lambda invoice: (invoice.created_at, invoice.id),
        total=total,
    )


async def _show(call: Call, invoice_id: UUID) -> InvoiceView:
    async with call.reading() as tx:
        invoice = await store.get_invoice(tx, call.principal.scope, invoice_id)
    return view_invoice(invoice, call.resources[SETTINGS].payment_terms)


async def _download(call: Call, invoice_id: UUID) -> Response:
    async with call.reading() as tx:
        invoice = await store.get_invoice(tx, call.principal.scope, invoice_id)
    content = await call.resources[DOCUMENTS].print_invoice(
        invoice, language=call.principal.locale
    )
    name = f"{invoice.number or 'draft'}.pdf"
    return call.file(content, media_type="application/pdf", name=name)
