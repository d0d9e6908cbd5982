"""Credit: what a customer may add to it, and what it may pay for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.errors import Conflict, RuleViolated
from chassis.money import InvalidAmount, Money
from services.billing.domain.invoices import Invoice, InvoiceKind, not_open
from services.billing.domain.ledger import CreditReason, CreditTooLow


class TopUpRefused(RuleViolated):
    """The amount can't be added to the credit."""


class CreditCantPay(Conflict):
    """Credit can't pay for more credit."""


@dataclass(frozen=True, slots=True)
class TopUpLimits:
    """How much may be added at once, and held in all."""

    minimum: Money
    maximum: Money
    maximum_balance: Money


@dataclass(frozen=True, slots=True)
class CreditTerms:
    """Limits by currency; `in_part` lets the due date take less than what remains."""

    limits: Mapping[str, TopUpLimits]
    in_part: bool = True

    def limits_in(self, currency: str) -> TopUpLimits:
        """Return the currency's limits, or refuse it and name those that have some."""
        limits = self.limits.get(currency)
        if limits is None:
            raise TopUpRefused(
                "credit can be held in these currencies: {currencies}",
                currencies=sorted(self.limits),
                field="amount.currency",
            )
        return limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One change of a customer's credit; `seq` orders them, `balance` came of it."""

    seq: int
    at: datetime
    change: Money
    balance: Money
    reason: CreditReason
    invoice_id: UUID | None = None
    invoice_number: str | None = None
    payment_id: UUID | None = None
    payment_reference: str | None = None


def read_top_up(amount: str, currency: str, terms: CreditTerms) -> Money:
    """Read the amount of a top-up, or refuse it and name the limits."""
    limits = terms.limits_in(currency)
    try:
        wanted = Money.parse(amount, currency)
    except InvalidAmount:
        raise TopUpRefused(
            "must be a decimal number from {minimum} to {maximum}, "
            "and the balance at most {maximum_balance}",
            minimum=limits.minimum,
            maximum=limits.maximum,
            maximum_balance=limits.maximum_balance,
            field="amount.amount",
        ) from None
    if not limits.minimum <= wanted <= limits.maximum:
        raise TopUpRefused(
            "must be from {minimum} to {maximum}, "
            "and the balance at most {maximum_balance}",
            minimum=limits.minimum,
            maximum=limits.maximum,
            maximum_balance=limits.maximum_balance,
            field="amount.amount",
        )
    return wanted


def check_room(
    wanted: Money, *, held: Money, coming: Money, terms: CreditTerms
) -> None:
    """Refuse a top-up beyond the maximum balance.

    `coming` is what open top-ups will add: they count as if they were paid.
    """
    limits = terms.limits_in(wanted.currency)
    if held + coming + wanted > limits.maximum_balance:
        raise TopUpRefused(
            "with {held} held and {coming} to be paid, must be from {minimum} to "
            "{maximum}, and the balance at most {maximum_balance}",
            held=held,
            coming=coming,
            minimum=limits.minimum,
            maximum=limits.maximum,
            maximum_balance=limits.maximum_balance,
            field="amount.amount",
        )


def amount_to_apply(invoice: Invoice, balance: Money, wanted: Money | None) -> Money:
    """Return how much credit pays for an open invoice: as much as can, unless told."""
    _check_payable(invoice)
    if wanted is None:
        if not balance.positive:
            raise CreditTooLow("the credit is {credit}", credit=balance)
        return min(balance, invoice.remaining)
    if wanted.currency != invoice.currency:
        raise RuleViolated(
            "must be {currency}, the invoice's currency",
            currency=invoice.currency,
            field="amount.currency",
        )
    if not wanted.positive or wanted > invoice.remaining:
        raise RuleViolated(
            "must be from {minimum} to {remaining}, which is what remains",
            minimum=Money(1, invoice.currency),
            remaining=invoice.remaining,
            field="amount.amount",
        )
    if wanted > balance:
        raise CreditTooLow("the credit is {credit}", credit=balance)
    return wanted


def amount_on_due_date(invoice: Invoice, balance: Money, terms: CreditTerms) -> Money:
    """Return how much credit an invoice takes by itself once it is due."""
    if balance < invoice.remaining and not terms.in_part:
        return Money.zero(invoice.currency)
    return min(balance, invoice.remaining)


def _check_payable(invoice: Invoice) -> None:
    if invoice.kind is InvoiceKind.TOP_UP:
        raise CreditCantPay(
            "invoice {invoice} adds credit", invoice=invoice.number or invoice.id
        )
    if not invoice.is_open:
        raise not_open(invoice)
