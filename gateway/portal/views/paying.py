"""Paying from a page: what is chosen, what it comes to, and doing just that.

The page carries what it showed (`shown` and `share`), so that nothing else is done than
what was read before the button was pressed, and that a repeat is known as one.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from aiohttp import web

from chassis.errors import DomainError
from chassis.money import Money
from contracts.api.billing.credit import CreditView
from contracts.api.billing.invoices import InvoiceView
from contracts.api.billing.payments import (
    MAXIMUM_INVOICES,
    PaymentMethodsView,
    PaymentMethodView,
    PaymentView,
)
from contracts.money import MoneyModel
from gateway.portal.formats import money
from gateway.portal.forms import Form
from gateway.portal.languages import N_, gettext
from gateway.portal.pages import NoSuchPage
from gateway.portal.visit import Visit


@dataclass(frozen=True, slots=True)
class Share:
    """What remains of a chosen invoice, and how much of that credit is to pay."""

    invoice_id: UUID
    remaining: Money
    credit: Money

    @property
    def rest(self) -> Money:
        return self.remaining - self.credit

    @property
    def mark(self) -> str:
        """How the page carries it."""
        amounts = (self.remaining.decimal(), self.credit.decimal())
        return f"{self.invoice_id} {amounts[0]} {amounts[1]} {self.remaining.currency}"

    @classmethod
    def read(cls, mark: str) -> Self | None:
        """Return what a page carried, or None where it wasn't ours."""
        try:
            id_, remaining, credit, currency = mark.split(" ")
            return cls(
                UUID(id_),
                Money.parse(remaining, currency),
                Money.parse(credit, currency),
            )
        except (ValueError, DomainError):
            return None

    def agrees_with(self, remaining: Money) -> bool:
        """Tell whether this is still so, or has been done by this very form."""
        return remaining in (self.remaining, self.rest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What the chosen invoices come to: in all, from credit, and by a method.

    Nothing is chosen where `currencies` is empty; more than one can't be paid at once.
    """

    shares: tuple[Share, ...] = ()
    currencies: frozenset[str] = frozenset()
    #: The credit, where some of it could pay for what is chosen.
    balance: MoneyModel | None = None
    methods: Sequence[PaymentMethodView] = ()

    @property
    def is_payable(self) -> bool:
        return len(self.currencies) == 1

    @property
    def total(self) -> MoneyModel:
        return _sum(share.remaining for share in self.shares)

    @property
    def credit(self) -> MoneyModel | None:
        """What credit is to pay, if it is to pay anything."""
        if not any(share.credit.positive for share in self.shares):
            return None
        return _sum(share.credit for share in self.shares)

    @property
    def rest(self) -> MoneyModel:
        return _sum(share.rest for share in self.shares)

    @property
    def needs_method(self) -> bool:
        return _needs_method(self.shares)


@dataclass(frozen=True, slots=True)
class Means:
    """What the customer can pay with: credit, and the methods of their own currency."""

    credit: CreditView
    offered: PaymentMethodsView

    async def methods(self, visit: Visit, currency: str) -> Sequence[PaymentMethodView]:
        if currency == self.offered.currency:
            return self.offered.items
        return await list_methods(visit, currency)


async def find_means(visit: Visit) -> Means:
    """Ask for them before it is known what is to be paid: it saves a wait."""
    credit, offered = await asyncio.gather(
        visit.api.get("/credit", CreditView),
        visit.api.get("/payment-methods", PaymentMethodsView),
    )
    return Means(credit, offered)


async def quote(
    visit: Visit, chosen: Sequence[InvoiceView], means: Means, form: Form
) -> Quote:
    """Say what the chosen invoices come to, as the form wants to pay them."""
    currencies = frozenset(invoice.remaining.currency for invoice in chosen)
    if len(currencies) != 1:
        return Quote(currencies=currencies)
    [currency] = currencies
    balance = _balance_in(means.credit, currency)
    spread = spread_credit(chosen, balance)
    is_usable = any(share.credit.positive for share in spread)
    return Quote(
        shares=spread
        if form.has("credit")
        else spread_credit(chosen, Money.zero(currency)),
        currencies=currencies,
        balance=MoneyModel.of(balance) if is_usable else None,
        methods=await means.methods(visit, currency),
    )


def spread_credit(chosen: Sequence[InvoiceView], available: Money) -> tuple[Share, ...]:
    """Let credit pay what it can, the oldest due first; it never pays for credit."""
    shares: list[Share] = []
    for invoice in sorted(chosen, key=lambda each: (each.due_on, each.id)):
        remaining = invoice.remaining.to_money()
        taken = min(available, remaining)
        if invoice.kind == "top_up":
            taken = Money.zero(remaining.currency)
        available -= taken
        shares.append(Share(invoice.id, remaining, taken))
    return tuple(shares)


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
    """Do what the page showed and lead on; None means refused: the form knows why.

    Credit first, then a payment of what remains.
    """
    form, shares = visit.form, await _agreed(visit, ids)
    if shares is None or await form.send(_use_credit(visit, shares)) is None:
        return None
    if not _needs_method(shares):
        path = f"/invoices/{ids[0]}" if len(ids) == 1 else "/invoices"
        return visit.go(path, notice=N_("Paid with your credit."))
    payment = await form.send(_begin_payment(visit, shares))
    if payment is None:
        _tell_of_credit(form, shares)
        return None
    return visit.go(f"/payments/{payment.id}")


def _balance_in(credit: CreditView, currency: str) -> Money:
    held = (each for each in credit.balances if each.currency == currency)
    found = next(held, None)
    return found.to_money() if found else Money.zero(currency)


def _needs_method(shares: Sequence[Share]) -> bool:
    return any(share.rest.positive for share in shares)


def _sum(amounts: Iterable[Money]) -> MoneyModel:
    first, *others = amounts
    return MoneyModel.of(sum(others, first))


async def _agreed(visit: Visit, ids: Sequence[UUID]) -> list[Share] | None:
    """Return what is to be done, if it is just what the page showed."""
    form = visit.form
    if len(ids) > MAXIMUM_INVOICES:
        form.refuse(
            gettext("At most %(number)s invoices can be paid at once.")
            % {"number": MAXIMUM_INVOICES}
        )
        return None
    invoices = await asyncio.gather(
        *(visit.api.get(f"/invoices/{id_}", InvoiceView) for id_ in ids)
    )
    shares = _shown(form, invoices)
    if shares is None or not await _has_method(visit, shares):
        return None
    return shares


def _shown(form: Form, invoices: Sequence[InvoiceView]) -> list[Share] | None:
    """Return what the page showed of these invoices, if it still holds."""
    fault = _fault(form, invoices)
    if fault is not None:
        form.refuse(fault)
        return None
    marks = (Share.read(mark) for mark in form.all("share"))
    return [share for share in marks if share is not None]


def _fault(form: Form, invoices: Sequence[InvoiceView]) -> str | None:
    if not invoices:
        return gettext("Tick at least one invoice that you want to pay.")
    if len({invoice.remaining.currency for invoice in invoices}) > 1:
        return gettext(
            "Invoices in different currencies are paid one currency at a time."
        )
    read = [Share.read(mark) for mark in form.all("share")]
    shown = {share.invoice_id: share for share in read if share is not None}
    for invoice in invoices:
        share = shown.get(invoice.id)
        if share is not None and share.agrees_with(invoice.remaining.to_money()):
            continue
        if invoice.status != "open":
            return gettext(
                "Invoice %(number)s isn't open any more, so nothing was paid. "
                "This is what is left to choose from."
            ) % {"number": invoice.number or ""}
        return _changed()
    ticked_as_shown = form["shown"] == ("credit" if form.has("credit") else "money")
    is_same = len(shown) == len(invoices) and ticked_as_shown
    return None if is_same else _changed()


def _changed() -> str:
    return gettext(
        "The sum has changed, so nothing was paid yet. Please look at it and press "
        "the button once more."
    )


async def _has_method(visit: Visit, shares: Sequence[Share]) -> bool:
    """Tell whether the method is offered: asked before credit is spent."""
    if not _needs_method(shares):
        return True
    method = visit.form["method"]
    if not method:
        visit.form.refuse(gettext("Please choose how to pay."), field="method")
        return False
    offered = await list_methods(visit, shares[0].remaining.currency)
    if method in {each.method for each in offered}:
        return True
    visit.form.refuse(
        gettext("This way to pay isn't offered any more. Please choose another."),
        field="method",
    )
    return False


async def _use_credit(visit: Visit, shares: Sequence[Share]) -> Sequence[InvoiceView]:
    """Let credit pay its shares; return the invoices as they are then."""
    invoices: list[InvoiceView] = []
    for share in shares:
        if share.credit.positive:
            amount = MoneyModel.of(share.credit).model_dump()
            path = f"/invoices/{share.invoice_id}/credit"
            # Each step has its own key: a repeat finds every one of them done.
            step = f"{visit.form.key}:{share.invoice_id}"
            invoices.append(
                await visit.api.post(path, InvoiceView, {"amount": amount}, key=step)
            )
    return invoices


async def _begin_payment(visit: Visit, shares: Sequence[Share]) -> PaymentView:
    """Begin the payment of what credit leaves."""
    ids = [str(share.invoice_id) for share in shares if share.rest.positive]
    body = {"invoice_ids": ids, "method": visit.form["method"]}
    return await visit.api.post("/payments", PaymentView, body, key=visit.form.key)


def _tell_of_credit(form: Form, shares: Sequence[Share]) -> None:
    """Say what credit has paid already, where the payment of the rest didn't begin."""
    if any(share.credit.positive for share in shares):
        used = money(_sum(share.credit for share in shares))
        rest = money(_sum(share.rest for share in shares))
        form.refuse(
            gettext(
                "Your credit has paid %(used)s already, and isn't used twice: "
                "%(rest)s is left to pay."
            )
            % {"used": used, "rest": rest}
        )
