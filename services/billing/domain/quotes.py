"""Quotes: what paying chosen invoices takes from credit, and what a method charges."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chassis.errors import Conflict, RuleViolated
from chassis.money import Money
from services.billing.domain.invoices import Invoice, InvoiceKind, not_open


class MixedCurrencies(RuleViolated):
    """Invoices in several currencies can't be paid together."""


class SumChanged(Conflict):
    """The sum has changed."""


@dataclass(frozen=True, slots=True)
class QuotedShare:
    """An open invoice, and how much of what remains of it credit is to pay."""

    invoice: Invoice
    credit: Money

    @property
    def charged(self) -> Money:
        return self.invoice.remaining - self.credit


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What all that remains of some invoices costs, the oldest due first.

    `credit_available` is nothing where credit may pay none of them.
    """

    shares: tuple[QuotedShare, ...]
    credit_available: Money

    @property
    def currency(self) -> str:
        return self.credit_available.currency

    @property
    def total(self) -> Money:
        return self._sum(share.invoice.remaining for share in self.shares)

    @property
    def credit_used(self) -> Money:
        return self._sum(share.credit for share in self.shares)

    @property
    def charged(self) -> Money:
        return self.total - self.credit_used

    def _sum(self, amounts: Iterable[Money]) -> Money:
        return sum(amounts, Money.zero(self.currency))


def currency_of(invoices: Sequence[Invoice]) -> str:
    """Return the currency in which these open invoices can be paid together."""
    for invoice in invoices:
        if not invoice.is_open:
            raise not_open(invoice)
    currency, *others = {invoice.currency for invoice in invoices}
    if others:
        raise MixedCurrencies("must all be in the same currency", field="invoice_ids")
    return currency


def quote(invoices: Sequence[Invoice], credit: Money, *, use_credit: bool) -> Quote:
    """Let credit pay what it can of open invoices in its currency; never a top-up."""
    left = credit if use_credit else Money.zero(credit.currency)
    shares: list[QuotedShare] = []
    for invoice in sorted(invoices, key=lambda i: (i.due_on, i.id)):
        taken = Money.zero(credit.currency)
        if _may_take_credit(invoice):
            taken = min(left, invoice.remaining)
        shares.append(QuotedShare(invoice, taken))
        left -= taken
    is_usable = any(_may_take_credit(invoice) for invoice in invoices)
    return Quote(
        shares=tuple(shares),
        credit_available=credit if is_usable else Money.zero(credit.currency),
    )


def check_expected(quote: Quote, expected: Money | None) -> None:
    """Refuse to charge anything else than the customer was shown, if they say it."""
    if expected is not None and expected != quote.charged:
        raise SumChanged(
            "{expected} was shown, and {charged} would be charged now, so nothing "
            "was paid",
            expected=expected,
            charged=quote.charged,
        )


def _may_take_credit(invoice: Invoice) -> bool:
    return invoice.kind is not InvoiceKind.TOP_UP
