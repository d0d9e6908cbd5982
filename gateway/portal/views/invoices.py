"""My Invoices: what is open, to be paid at once; what was paid, and what will come."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from aiohttp import web

from chassis.http import Page
from chassis.http.policies import customer
from contracts.api.billing.credit import CreditView
from contracts.api.billing.forecast import ForecastView
from contracts.api.billing.invoices import InvoiceView, OutstandingView
from contracts.api.billing.payments import MAXIMUM_INVOICES, PaymentView
from gateway.portal.forms import Form
from gateway.portal.pages import Pages
from gateway.portal.views.paying import Quote, pay, quote, read_ids
from gateway.portal.views.proofs import find_proofs
from gateway.portal.visit import Visit

pages = Pages()

FORECAST_MONTHS = 12
#: How many of the latest and of the next payments the page shows.
AT_A_GLANCE = 5
#: Money is on its way, or somebody is about to send it.
UNDER_WAY = ("requires_action", "clearing", "awaiting_confirmation")
ARRIVED = ("succeeded", "refunded")
CLOSED = ("paid", "void", "uncollectible")


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """All that the page shows, but for what is chosen to be paid."""

    invoices: Page[InvoiceView]
    outstanding: OutstandingView
    payments: Page[PaymentView]
    credit: CreditView
    closed: Page[InvoiceView]
    received: Page[PaymentView]
    forecast: ForecastView

    @property
    def by_due_date(self) -> Sequence[InvoiceView]:
        return sorted(self.invoices.items, key=lambda each: (each.due_on, each.id))

    @property
    def under_way(self) -> Mapping[UUID, PaymentView]:
        """The payment that is under way for an invoice, by the invoice."""
        return {
            share.invoice_id: payment
            for payment in self.payments.items
            for share in payment.invoices
        }

    def replaced_by(self, quote: Quote) -> Sequence[PaymentView]:
        """The payments under way that paying what is chosen would replace."""
        found = (self.under_way.get(invoice_id) for invoice_id in quote.chosen)
        return list({each.id: each for each in found if each}.values())

    @property
    def overdue(self) -> int:
        return sum(invoice.overdue for invoice in self.invoices.items)


@pages.get("/invoices", policy=customer("billing"))
async def show_invoices(visit: Visit) -> web.Response:
    """Show everything; what can be paid now is chosen, or what `?invoice=` names."""
    return await _arrive(visit, in_full="invoice" in visit.query)


@pages.get("/invoices/pay", policy=customer("billing"))
async def show_in_full(visit: Visit) -> web.Response:
    """Show the same with all details of what is chosen; `?all` chooses all."""
    return await _arrive(visit, in_full=True)


@pages.post("/invoices/pay", policy=customer("billing"))
async def pay_chosen(visit: Visit) -> web.Response:
    """Pay what is ticked; with `do=sum`, only say what it comes to."""
    if visit.form["do"] != "sum":
        paid = await pay(visit, read_ids(visit.form.all("invoice")))
        if paid is not None:
            return paid
    return await _show(visit, visit.form, await _look(visit))


@pages.get("/invoices/history", policy=customer("billing"))
async def list_closed(visit: Visit) -> web.Response:
    """List the invoices that aren't open any more."""
    closed = await visit.api.get(
        "/invoices",
        Page[InvoiceView],
        status=",".join(CLOSED),
        cursor=visit.query.get("cursor"),
    )
    return visit.render("invoices/history.html", closed=closed)


@pages.get("/invoices/coming", policy=customer("billing"))
async def list_coming(visit: Visit) -> web.Response:
    """List what services will be charged for in the next months."""
    forecast = await visit.api.get(
        "/forecast",
        ForecastView,
        months=FORECAST_MONTHS,
        cursor=visit.query.get("cursor"),
    )
    return visit.render("invoices/coming.html", forecast=forecast)


async def _arrive(visit: Visit, *, in_full: bool) -> web.Response:
    named = read_ids(visit.request.query.getall("invoice", []))
    overview = await _look(visit)
    known = {invoice.id for invoice in overview.invoices.items}
    if len(named) == 1 and not known.issuperset(named):
        # It may be paid by now: its own page tells.
        return visit.go(f"/invoices/{named[0]}")
    chosen = named or _payable(visit, overview, everything="all" in visit.query)
    form = Form(
        {
            "invoice": [str(id_) for id_ in chosen],
            "credit": ["on"],
            "full": ["on"] if in_full else [],
        }
    )
    return await _show(visit, form, overview)


def _payable(visit: Visit, overview: Overview, *, everything: bool) -> list[UUID]:
    """Return what can be paid at once: in one currency, and not under way already."""
    found = [
        invoice
        for invoice in overview.by_due_date
        if everything or invoice.id not in overview.under_way
    ]
    currencies = [invoice.remaining.currency for invoice in found]
    own = visit.me.currency if visit.me else None
    currency = own if own in currencies else next(iter(currencies), None)
    return [each.id for each in found if each.remaining.currency == currency]


async def _show(visit: Visit, form: Form, overview: Overview) -> web.Response:
    chosen = [
        invoice
        for invoice in overview.by_due_date
        if form.has("invoice", str(invoice.id))
    ]
    proved = await find_proofs(visit, overview.under_way.values())
    quoted = await quote(visit, chosen, form)
    return visit.render(
        "invoices/invoices.html",
        status=form.status,
        form=form,
        overview=overview,
        proved=proved,
        quote=quoted,
    )


async def _look(visit: Visit) -> Overview:
    """Ask for all of it at once."""
    get = visit.api.get
    invoices, outstanding, payments, credit, past, forecast = await asyncio.gather(
        get(
            "/invoices",
            Page[InvoiceView],
            status="open",
            limit=MAXIMUM_INVOICES,
            cursor=visit.query.get("cursor"),
        ),
        get("/invoices/outstanding", OutstandingView),
        get(
            "/payments",
            Page[PaymentView],
            status=",".join(UNDER_WAY),
            limit=MAXIMUM_INVOICES,
        ),
        get("/credit", CreditView),
        _look_back(visit),
        get("/forecast", ForecastView, months=FORECAST_MONTHS, limit=AT_A_GLANCE),
    )
    closed, received = past
    return Overview(
        invoices=invoices,
        outstanding=outstanding,
        payments=payments,
        credit=credit,
        closed=closed,
        received=received,
        forecast=forecast,
    )


async def _look_back(visit: Visit) -> tuple[Page[InvoiceView], Page[PaymentView]]:
    """Return the latest invoices that are settled, and the latest payments received."""
    get, few = visit.api.get, AT_A_GLANCE
    return await asyncio.gather(
        get("/invoices", Page[InvoiceView], status=",".join(CLOSED), limit=few),
        get("/payments", Page[PaymentView], status=",".join(ARRIVED), limit=few),
    )
