"""Paying from a page: what is chosen, what it comes to, and doing just that.

The page carries what it showed (`shown`, `expected`), so that nothing else is done than
what was read before the button was pressed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from aiohttp import web

from chassis.errors import DomainError
from chassis.money import Money
from contracts.api.billing.invoices import InvoiceView
from contracts.api.billing.payments import (
    PaymentMethodsView,
    PaymentMethodView,
    PaymentPreviewView,
    StartedPaymentView,
)
from contracts.money import MoneyModel
from gateway.portal.forms import Form
from gateway.portal.languages import N_, gettext
from gateway.portal.pages import NoSuchPage
from gateway.portal.visit import Visit

_MIXED = N_(
    "What you ticked is in different currencies. Please choose invoices in one "
    "currency, and pay the others after."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What paying the chosen invoices comes to; no `sums` where that can't be.

    Nothing is chosen where `currencies` is empty; more than one can't be paid at once.
    """

    chosen: Sequence[UUID] = ()
    use_credit: bool = False
    currencies: frozenset[str] = frozenset()
    sums: PaymentPreviewView | None = None

    @property
    def mark(self) -> str:
        """How the page carries what it shows the sum of."""
        return _mark(self.chosen, use_credit=self.use_credit)


async def quote(visit: Visit, invoices: Sequence[InvoiceView], form: Form) -> Quote:
    """Say what the chosen invoices come to, as the form wants to pay them."""
    chosen = [invoice.id for invoice in invoices]
    use_credit = form.has("credit")
    currencies = frozenset(invoice.remaining.currency for invoice in invoices)
    sums = None
    if len(currencies) == 1:
        body = {"invoice_ids": list(map(str, chosen)), "use_credit": use_credit}
        sums = await form.send(
            visit.api.post("/payments/preview", PaymentPreviewView, body)
        )
    elif currencies and form.is_refused:
        # That there is no sum is all else that could be said.
        form.errors = {"": [gettext(_MIXED)]}
    return Quote(chosen=chosen, use_credit=use_credit, currencies=currencies, sums=sums)


async def list_methods(visit: Visit, currency: str) -> list[PaymentMethodView]:
    """Return the ways to pay that are offered in a currency."""
    offered = await visit.api.get(
        "/payment-methods", PaymentMethodsView, currency=currency
    )
    return offered.items


def read_ids(values: Iterable[str]) -> list[UUID]:
    """Return the ids of what was chosen; what is none leads nowhere."""
    try:
        return list(dict.fromkeys(UUID(value) for value in values))
    except ValueError:
        raise NoSuchPage from None


async def pay(visit: Visit, ids: Sequence[UUID]) -> web.Response | None:
    """Do what the page showed and lead on; None means refused: the form knows why."""
    form = visit.form
    if not ids:
        form.refuse(gettext("Tick at least one invoice that you want to pay."))
        return None
    expected = _expected(form)
    if expected is None or form["shown"] != _mark(ids, use_credit=form.has("credit")):
        form.refuse(
            gettext(
                "The sum has changed, so nothing was paid yet. Please look at it and "
                "press the button once more."
            )
        )
        return None
    if expected.positive and not form["method"]:
        form.refuse(gettext("Please choose how to pay."), field="method")
        return None
    body = _body(form, ids, expected)
    started = await form.send(
        visit.api.post("/payments", StartedPaymentView, body, key=form.key)
    )
    return _lead_on(visit, ids, started) if started else None


def _lead_on(
    visit: Visit, ids: Sequence[UUID], started: StartedPaymentView
) -> web.Response:
    if started.payment is not None:
        return visit.go(f"/payments/{started.payment.id}")
    path = f"/invoices/{ids[0]}" if len(ids) == 1 else "/invoices"
    return visit.go(path, notice=N_("Paid with your credit."))


def _expected(form: Form) -> Money | None:
    """Return what the page said that a method will be charged with, if it said it."""
    try:
        return Money.parse(form["expected.amount"], form["expected.currency"])
    except DomainError:
        return None


def _body(form: Form, ids: Sequence[UUID], expected: Money) -> dict[str, object]:
    return {
        "invoice_ids": list(map(str, ids)),
        "use_credit": form.has("credit"),
        "expected": MoneyModel.of(expected).model_dump(),
        **form.body("method"),
    }


def _mark(chosen: Iterable[UUID], *, use_credit: bool) -> str:
    return " ".join(["credit" if use_credit else "money", *sorted(map(str, chosen))])
