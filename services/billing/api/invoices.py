"""The routes of invoices and their PDFs."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from chassis.http import Call, Page, Response, Routes, customer, decode_cursor, staff
from contracts.api.billing.invoices import (
    InvoiceView,
    ListInvoices,
    ListStaffInvoices,
    OutstandingView,
    StaffInvoiceView,
)
from contracts.money import MoneyModel
from services.billing.api.documents import DOCUMENTS
from services.billing.api.views import view_invoice, view_invoice_for_staff
from services.billing.domain.invoices import Invoice, InvoiceStatus
from services.billing.settings import SETTINGS
from services.billing.store import invoices as store
from services.billing.store.customers import list_customer_names
from services.billing.store.invoices import InvoiceFilter

#: Who may ask for it, here and among the panels of the first page.
SEES_OUTSTANDING = customer("billing")

routes = Routes(tag="invoices")


@routes.get("/invoices", policy=customer("billing"))
async def list_invoices(call: Call, query: ListInvoices) -> Page[InvoiceView]:
    """List the caller's invoices, newest first."""
    wanted = InvoiceFilter(scope=call.customer_id, statuses=_statuses(query))
    found, total = await _find(call, query, wanted)
    return Page[InvoiceView].of(
        _views(call, found),
        limit=query.limit,
        cursor=_place,
        total=total,
    )


@routes.get("/invoices/outstanding", policy=SEES_OUTSTANDING)
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
    async with call.reading() as tx:
        invoice = await store.get_invoice(tx, call.customer_id, invoice_id)
    return _view(call, invoice)


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
) -> Page[StaffInvoiceView]:
    """List all customers' invoices, or one's, newest first."""
    wanted = InvoiceFilter(
        scope=query.customer_id, statuses=_statuses(query), number=query.q
    )
    found, total = await _find(call, query, wanted)
    async with call.reading() as tx:
        names = await list_customer_names(tx, (i.customer_id for i in found))
    return Page[StaffInvoiceView].of(
        [
            view_invoice_for_staff(invoice, names[invoice.customer_id])
            for invoice in _views(call, found)
        ],
        limit=query.limit,
        cursor=_place,
        total=total,
    )


@routes.get("/staff/invoices/{invoice_id}", policy=staff("invoices.read"))
async def show_staff_invoice(call: Call, invoice_id: UUID) -> StaffInvoiceView:
    """Show any customer's invoice."""
    async with call.reading() as tx:
        invoice = await store.get_invoice(tx, None, invoice_id)
        names = await list_customer_names(tx, [invoice.customer_id])
    return view_invoice_for_staff(_view(call, invoice), names[invoice.customer_id])


@routes.get(
    "/staff/invoices/{invoice_id}/pdf",
    policy=staff("invoices.read"),
    media_type="application/pdf",
)
async def download_staff_invoice(call: Call, invoice_id: UUID) -> Response:
    """Download any customer's invoice as PDF, in the customer's language."""
    return await _download(call, invoice_id)


async def _find(
    call: Call, query: ListInvoices, wanted: InvoiceFilter
) -> tuple[list[Invoice], int | None]:
    before = decode_cursor(query.cursor, datetime, UUID)
    async with call.reading() as tx:
        found = await store.list_invoices(
            tx, wanted, before=before, limit=query.limit + 1
        )
        total = await query.total(found, lambda: store.count_invoices(tx, wanted))
    return found, total


def _views(call: Call, invoices: Iterable[Invoice]) -> list[InvoiceView]:
    terms, today = call.resources[SETTINGS].payment_terms, call.today
    return [view_invoice(invoice, terms, today=today) for invoice in invoices]


def _view(call: Call, invoice: Invoice) -> InvoiceView:
    [view] = _views(call, [invoice])
    return view


def _place(invoice: InvoiceView) -> tuple[datetime, UUID]:
    return invoice.created_at, invoice.id


def _statuses(query: ListInvoices) -> list[InvoiceStatus] | None:
    return [InvoiceStatus(name) for name in query.status] if query.status else None


async def _download(call: Call, invoice_id: UUID) -> Response:
    async with call.reading() as tx:
        invoice = await store.get_invoice(tx, call.principal.scope, invoice_id)
    content = await call.resources[DOCUMENTS].print_invoice(
        invoice, language=call.principal.locale
    )
    name = f"{invoice.number or 'draft'}.pdf"
    return call.file(content, media_type="application/pdf", name=name)
