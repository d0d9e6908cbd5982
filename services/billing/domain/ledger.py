"""The ledger's rules: one pure builder for each way in which money is posted."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache
from typing import Self
from uuid import UUID, uuid5

from chassis.errors import Conflict
from chassis.money import Money
from services.billing.domain.invoices import Invoice, InvoiceKind

#: Account ids are derived from what the account is, so that nobody looks them up.
_ACCOUNTS = UUID("6d1f3c52-8f0e-5a8b-9c55-1c7b6e3b0a41")


class AccountKind(StrEnum):
    """The first two are a customer's own, the others are the company's."""

    RECEIVABLE = "receivable"
    CUSTOMER_CREDIT = "customer_credit"
    REVENUE = "revenue"
    TAX_PAYABLE = "tax_payable"
    BANK = "bank"
    CLEARING = "clearing"

    @property
    def of_customer(self) -> bool:
        return self in (AccountKind.RECEIVABLE, AccountKind.CUSTOMER_CREDIT)


class EntryKind(StrEnum):
    ISSUE = "issue"
    PAYMENT = "payment"
    CREDIT_APPLIED = "credit_applied"
    ALLOCATION_FREED = "allocation_freed"
    VOID = "void"


class CreditReason(StrEnum):
    """Why an entry moved the customer's credit."""

    TOP_UP = "top_up"
    OVERPAYMENT = "overpayment"
    APPLIED = "applied"
    AUTOMATIC = "automatic"
    FREED = "freed"


class AllocationSource(StrEnum):
    PAYMENT = "payment"
    CREDIT = "credit"
    CREDIT_NOTE = "credit_note"


class CreditTooLow(Conflict):
    """There isn't enough credit."""


class Unbalanced(ValueError):
    """An entry was built that doesn't sum to zero: a fault of ours, never of input."""


@dataclass(frozen=True, slots=True)
class Account:
    """One account per kind and currency, and per customer where it is theirs."""

    kind: AccountKind
    currency: str
    customer_id: UUID | None = None

    @property
    def id(self) -> UUID:
        return _account_id(self.kind, self.currency, self.customer_id)


@dataclass(frozen=True, slots=True)
class Posting:
    """One signed line of an entry: a debit is positive."""

    account: Account
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A journal entry: at least two postings that sum to zero."""

    id: UUID
    kind: EntryKind
    customer_id: UUID
    postings: tuple[Posting, ...]
    invoice_id: UUID | None = None
    payment_id: UUID | None = None
    reverses_id: UUID | None = None
    credit_reason: CreditReason | None = None

    def __post_init__(self) -> None:
        totals: dict[str, int] = {}
        for posting in self.postings:
            currency = posting.amount.currency
            totals[currency] = totals.get(currency, 0) + posting.amount.minor
        if len(self.postings) < 2 or any(totals.values()):  # noqa: PLR2004 - double entry
            raise Unbalanced(f"{self.kind} {self.id} sums to {totals}")
        if bool(self.credited.minor) is not bool(self.credit_reason):
            raise Unbalanced(f"{self.kind} {self.id} moves credit without a reason")

    @property
    def currency(self) -> str:
        return self.postings[0].account.currency

    @property
    def charged(self) -> Money:
        """How much more the customer owes; less, when negative."""
        return self._moved(AccountKind.RECEIVABLE)

    @property
    def credited(self) -> Money:
        """How much more credit the customer has; less, when negative."""
        return -self._moved(AccountKind.CUSTOMER_CREDIT)

    def balance_changes(self) -> Iterator[tuple[Account, Money]]:
        """Return how the customer's accounts change, each in its normal sign."""
        if self.charged.minor:
            yield receivable_account(self.customer_id, self.currency), self.charged
        if self.credited.minor:
            yield credit_account(self.customer_id, self.currency), self.credited

    def _moved(self, kind: AccountKind) -> Money:
        lines = (line for line in self.postings if line.account.kind is kind)
        return Money(sum(line.amount.minor for line in lines), self.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """What an entry put towards an invoice."""

    id: UUID
    invoice_id: UUID
    source: AllocationSource
    amount: Money
    entry_id: UUID
    payment_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Balances:
    """What a customer owes and has in one currency; versions count the changes."""

    customer_id: UUID
    receivable: Money
    credit: Money
    receivable_version: int = 0
    credit_version: int = 0

    @property
    def currency(self) -> str:
        return self.credit.currency

    @property
    def credit_account_id(self) -> UUID:
        return credit_account(self.customer_id, self.currency).id

    def after(self, entry: Entry) -> Self:
        """Return what the balances become, or refuse credit that isn't there."""
        charged, credited = entry.charged, entry.credited
        credit = self.credit + credited
        if credit.minor < 0:
            raise CreditTooLow("the credit is {credit}", credit=self.credit)
        return replace(
            self,
            receivable=self.receivable + charged,
            credit=credit,
            receivable_version=self.receivable_version + bool(charged.minor),
            credit_version=self.credit_version + bool(credited.minor),
        )


def issue(entry_id: UUID, invoice: Invoice) -> Entry:
    """Dr receivable, Cr revenue, Cr tax payable: revenue is recognised at issue."""
    return Entry(
        id=entry_id,
        kind=EntryKind.ISSUE,
        customer_id=invoice.customer_id,
        invoice_id=invoice.id,
        postings=_charge(invoice),
    )


def posts_at_issue(invoice: Invoice) -> bool:
    """Whether the issue is posted: a top-up's isn't, nor one that asks for nothing."""
    return invoice.kind is not InvoiceKind.TOP_UP and invoice.total.positive


def payment(
    entry_id: UUID,
    *,
    customer_id: UUID,
    received: Money,
    allocated: Money,
    source: AccountKind,
    payment_id: UUID,
    reason: CreditReason,
    invoice_id: UUID | None = None,
) -> Entry:
    """Dr bank or clearing, Cr receivable for what was allocated, Cr credit for more.

    `allocated` counts no top-up: money for one is credit at once.
    """
    credited = received - allocated
    return Entry(
        id=entry_id,
        kind=EntryKind.PAYMENT,
        customer_id=customer_id,
        payment_id=payment_id,
        invoice_id=invoice_id,
        credit_reason=reason if credited.positive else None,
        postings=_postings(
            (Account(source, received.currency), received),
            (receivable_account(customer_id, received.currency), -allocated),
            (credit_account(customer_id, received.currency), -credited),
        ),
    )


def credit_applied(
    entry_id: UUID, invoice: Invoice, amount: Money, reason: CreditReason
) -> Entry:
    """Dr customer credit, Cr receivable."""
    return _between(
        invoice, amount, entry_id=entry_id, kind=EntryKind.CREDIT_APPLIED, reason=reason
    )


def allocation_freed(entry_id: UUID, invoice: Invoice, amount: Money) -> Entry:
    """Dr receivable, Cr customer credit: what had paid the invoice is credit again."""
    return _between(
        invoice,
        -amount,
        entry_id=entry_id,
        kind=EntryKind.ALLOCATION_FREED,
        reason=CreditReason.FREED,
    )


def void(entry_id: UUID, invoice: Invoice, issue_id: UUID) -> Entry:
    """Reverse the issue: Dr revenue, Dr tax payable, Cr receivable."""
    return Entry(
        id=entry_id,
        kind=EntryKind.VOID,
        customer_id=invoice.customer_id,
        invoice_id=invoice.id,
        reverses_id=issue_id,
        postings=tuple(
            replace(posting, amount=-posting.amount) for posting in _charge(invoice)
        ),
    )


def receivable_account(customer_id: UUID, currency: str) -> Account:
    return Account(AccountKind.RECEIVABLE, currency, customer_id)


def credit_account(customer_id: UUID, currency: str) -> Account:
    return Account(AccountKind.CUSTOMER_CREDIT, currency, customer_id)


def company_accounts(currency: str) -> list[Account]:
    """Return the accounts that all customers' entries share."""
    return [Account(kind, currency) for kind in AccountKind if not kind.of_customer]


def _charge(invoice: Invoice) -> tuple[Posting, ...]:
    currency = invoice.currency
    return _postings(
        (receivable_account(invoice.customer_id, currency), invoice.total),
        (Account(AccountKind.REVENUE, currency), -invoice.subtotal),
        (Account(AccountKind.TAX_PAYABLE, currency), -invoice.tax),
    )


def _between(
    invoice: Invoice,
    amount: Money,
    *,
    entry_id: UUID,
    kind: EntryKind,
    reason: CreditReason,
) -> Entry:
    """Move from the customer's credit to what they owe; back, when negative."""
    return Entry(
        id=entry_id,
        kind=kind,
        customer_id=invoice.customer_id,
        invoice_id=invoice.id,
        credit_reason=reason,
        postings=_postings(
            (credit_account(invoice.customer_id, amount.currency), amount),
            (receivable_account(invoice.customer_id, amount.currency), -amount),
        ),
    )


def _postings(*lines: tuple[Account, Money]) -> tuple[Posting, ...]:
    return tuple(Posting(*line) for line in lines if line[1].minor)


@lru_cache(maxsize=4096)
def _account_id(kind: AccountKind, currency: str, customer_id: UUID | None) -> UUID:
    return uuid5(_ACCOUNTS, f"{kind}/{currency}/{customer_id or 'company'}")
