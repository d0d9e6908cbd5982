"""Payments: how money may be sent, what an attempt asks for, and where money goes."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from chassis.errors import Conflict, RuleViolated
from chassis.money import MAXIMUM_MINOR, InvalidAmount, Money
from services.billing.domain.invoices import (
    Invoice,
    InvoiceKind,
    allocate,
)
from services.billing.domain.quotes import Quote


class PaymentMethod(StrEnum):
    CARD = "card"
    PAYPAL = "paypal"
    BOLETO = "boleto"
    PIX = "pix"
    BANK_TRANSFER = "bank_transfer"
    DEPOSIT = "deposit"


class PaymentStatus(StrEnum):
    REQUIRES_ACTION = "requires_action"
    CLEARING = "clearing"
    AWAITING_CONFIRMATION = "awaiting_confirmation"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REFUNDED = "refunded"


#: Methods that finance confirms by hand, after looking at the bank's statement.
BY_HAND = (PaymentMethod.BANK_TRANSFER, PaymentMethod.DEPOSIT)
#: An attempt in one of these gives way to a newer one; one that is clearing doesn't.
GIVES_WAY = (PaymentStatus.REQUIRES_ACTION, PaymentStatus.AWAITING_CONFIRMATION)
#: Money may still arrive for an attempt that was given up: it becomes credit.
GIVEN_UP = (PaymentStatus.CANCELLED, PaymentStatus.FAILED, PaymentStatus.EXPIRED)


class MethodNotOffered(RuleViolated):
    """The method isn't offered here."""


class PaymentClearing(Conflict):
    """A payment for this invoice is clearing."""


class PaymentNotAwaited(Conflict):
    """No money is awaited for this payment."""


class BankReferenceUsed(Conflict):
    """The bank reference confirmed a payment before."""


@dataclass(frozen=True, slots=True)
class PaymentTerms:
    """Where money is to be sent, by currency; handed in from the settings."""

    instructions: Mapping[str, str]

    def methods(self, currency: str) -> tuple[PaymentMethod, ...]:
        """Return the methods that are offered in this currency."""
        return BY_HAND if currency in self.instructions else ()

    def choose(self, method: str | None, currency: str) -> PaymentMethod:
        """Return the method of that name, or refuse it and name those offered.

        None is refused as well: something is to be charged, so a method is needed.
        """
        offered = self.methods(currency)
        if method not in offered:
            raise MethodNotOffered(
                "methods offered in {currency}: {methods}",
                currency=currency,
                methods=offered,
                field="method",
            )
        return PaymentMethod(method)


@dataclass(frozen=True, slots=True)
class Share:
    """What a payment asks for one invoice, and what it has paid of it."""

    invoice_id: UUID
    asked: Money
    paid: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """An attempt to pay one or several invoices, and what came of it.

    `amount` is what was asked for; what was `received` may differ.
    """

    id: UUID
    customer_id: UUID
    method: PaymentMethod
    status: PaymentStatus
    amount: Money
    reference: str
    shares: tuple[Share, ...]
    created_at: datetime
    version: int = 1
    received: Money | None = None
    bank_account: str | None = None
    bank_reference: str | None = None
    ticket_id: UUID | None = None
    confirmed_by: UUID | None = None
    succeeded_at: datetime | None = None

    @property
    def currency(self) -> str:
        return self.amount.currency

    @property
    def invoice_ids(self) -> tuple[UUID, ...]:
        return tuple(share.invoice_id for share in self.shares)

    @property
    def is_live(self) -> bool:
        return self.status in (*GIVES_WAY, PaymentStatus.CLEARING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """What finance saw on the bank's statement."""

    received: Money
    bank_account: str
    bank_reference: str
    confirmed_by: UUID
    ticket_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """An invoice after it was given its part of a sum of money."""

    invoice: Invoice
    amount: Money


@dataclass(frozen=True, slots=True)
class Split:
    """Where received money goes: to invoices, and the rest to credit.

    `passed_over` are invoices that it was meant for and that took none of it, being
    void or paid by then.
    """

    parts: tuple[Part, ...]
    passed_over: tuple[Invoice, ...]
    received: Money

    @property
    def owed(self) -> Money:
        """What paid for invoices that are owed: a top-up only asks for credit."""
        amounts = (p.amount.minor for p in self.parts if not _is_top_up(p.invoice))
        return Money(sum(amounts), self.received.currency)

    @property
    def credited(self) -> Money:
        return self.received - self.owed

    @property
    def tops_up(self) -> bool:
        return any(_is_top_up(part.invoice) for part in self.parts)


def shares_of(quote: Quote) -> tuple[Share, ...]:
    """Return what a payment asks for: all that credit leaves to be charged."""
    nothing = Money.zero(quote.currency)
    return tuple(
        Share(share.invoice.id, asked=share.charged, paid=nothing)
        for share in quote.shares
        if share.charged.positive
    )


def split(
    received: Money,
    invoices: Iterable[Invoice],
    *,
    awaited: Collection[UUID] = (),
    on: date,
) -> Split:
    """Give each open invoice what remains, the oldest due first, as far as it goes.

    Those that another attempt is `awaited` for get nothing: it would pay them twice.
    """
    parts: list[Part] = []
    passed_over: list[Invoice] = []
    left = received
    for invoice in sorted(invoices, key=lambda i: (i.due_on, i.id)):
        if not invoice.is_open or invoice.id in awaited:
            passed_over.append(invoice)
        elif left.positive:
            amount = min(left, invoice.remaining)
            parts.append(Part(allocate(invoice, amount, on=on), amount))
            left -= amount
    return Split(tuple(parts), tuple(passed_over), received)


def read_received(amount: str, currency: str, payment: Payment) -> Money:
    """Read what finance says was received, or refuse it and name the limits."""
    if currency != payment.currency:
        raise RuleViolated(
            "must be {currency}, the payment's currency",
            currency=payment.currency,
            field="amount.currency",
        )
    try:
        received = Money.parse(amount, currency)
    except InvalidAmount:
        received = Money.zero(currency)
    if not received.positive:
        raise InvalidAmount(
            "must be a decimal number from {minimum} to {maximum}",
            minimum=Money(1, currency),
            maximum=Money(MAXIMUM_MINOR, currency),
            field="amount.amount",
        )
    return received


def confirm(payment: Payment, seen: Confirmation, *, now: datetime) -> Payment:
    """The money has arrived, also for an attempt that was given up before."""
    awaited = (PaymentStatus.AWAITING_CONFIRMATION, *GIVEN_UP)
    if payment.method not in BY_HAND or payment.status not in awaited:
        raise PaymentNotAwaited(
            "payment {payment} by {method} is {payment_status}",
            payment=payment.reference,
            method=payment.method,
            payment_status=payment.status,
        )
    return replace(
        payment,
        status=PaymentStatus.SUCCEEDED,
        received=seen.received,
        bank_account=seen.bank_account,
        bank_reference=seen.bank_reference,
        ticket_id=seen.ticket_id,
        confirmed_by=seen.confirmed_by,
        succeeded_at=now,
        version=payment.version + 1,
    )


def supersede(payment: Payment) -> Payment:
    """Give the attempt up for what comes after it, unless its money is on the way."""
    if payment.status not in GIVES_WAY:
        raise PaymentClearing(
            "payment {payment} of {amount} is {payment_status}",
            payment=payment.reference,
            amount=payment.amount,
            payment_status=payment.status,
        )
    return replace(payment, status=PaymentStatus.CANCELLED, version=payment.version + 1)


def _is_top_up(invoice: Invoice) -> bool:
    return invoice.kind is InvoiceKind.TOP_UP
