"""Credit: what a customer may add to it, and what it may pay for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.errors import Conflict, RuleViolated
from chassis.money import InvalidAmount, Money
from services.billing.domain.invoices import Invoice, InvoiceKind, InvoiceNotOpen
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

    def __str__(self) -> str:
        return (
            f"from {self.minimum} to {self.maximum}, "
            f"and the balance at most {self.maximum_balance}"
        )


@dataclass(frozen=True, slots=True)
class CreditTerms:
    """Limits by currency; `in_part` lets the due date take less than what remains."""

    limits: Mapping[str, TopUpLimits]
    in_part: bool = True

    def limits_in(self, currency: str) -> TopUpLimits:
        """Return the currency's limits, or refuse it and name those that have some."""
        limits = self.limits.get(currency)
        if limits is None:
            names = ", ".join(sorted(self.limits)) or "none"
            raise TopUpRefused(
                f"credit can be held in these currencies: {names}",
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
        raise _refused(limits, "must be a decimal number") from None
    if not limits.minimum <= wanted <= limits.maximum:
        raise _refused(limits, "must be")
    return wanted


def read_applied(amount: str, currency: str) -> Money:
    """Read how much credit is to be used, or say how it must be written."""
    try:
        return Money.parse(amount, currency)
    except InvalidAmount as invalid:
        raise InvalidAmount(invalid.detail, field="amount.amount") from None


def check_room(
    wanted: Money, *, held: Money, coming: Money, terms: CreditTerms
) -> None:
    """Refuse a top-up beyond the maximum balance.

    `coming` is what open top-ups will add: they count as if they were paid.
    """
    limits = terms.limits_in(wanted.currency)
    if held + coming + wanted > limits.maximum_balance:
        raise _refused(limits, f"with {held} held and {coming} to be paid, must be")


def amount_to_apply(invoice: Invoice, balance: Money, wanted: Money | None) -> Money:
    """Return how much credit pays for an open invoice: as much as can, unless told."""
    _check_payable(invoice)
    if wanted is None:
        if not balance.positive:
            raise CreditTooLow(f"the credit is {balance}")
        return min(balance, invoice.remaining)
    if wanted.currency != invoice.currency:
        raise RuleViolated(
            f"must be {invoice.currency}, the invoice's currency",
            field="amount.currency",
        )
    if not wanted.positive or wanted > invoice.remaining:
        least = Money(1, invoice.currency)
        raise RuleViolated(
            f"must be from {least} to {invoice.remaining}, which is what remains",
            field="amount.amount",
        )
    if wanted > balance:
        raise CreditTooLow(f"the credit is {balance}")
    return wanted


def amount_on_due_date(invoice: Invoice, balance: Money, terms: CreditTerms) -> Money:
    """Return how much credit an invoice takes by itself once it is due."""
    if balance < invoice.remaining and not terms.in_part:
        return Money.zero(invoice.currency)
    return min(balance, invoice.remaining)


def _check_payable(invoice: Invoice) -> None:
    if invoice.kind is InvoiceKind.TOP_UP:
        raise CreditCantPay(f"invoice {invoice.number} adds credit")
    if not invoice.is_open:
        name = invoice.number or invoice.id
        raise InvoiceNotOpen(f"invoice {name} is {invoice.status}")


def _refused(limits: TopUpLimits, reason: str) -> TopUpRefused:
    return TopUpRefused(f"{reason} {limits}", field="amount.amount")
