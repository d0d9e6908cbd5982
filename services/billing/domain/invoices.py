"""What an invoice is, and how money changes it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from chassis.errors import Conflict
from chassis.money import Money


class InvoiceKind(StrEnum):
    SERVICE = "service"
    TOP_UP = "top_up"


class InvoiceStatus(StrEnum):
    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    VOID = "void"
    UNCOLLECTIBLE = "uncollectible"


class LineKind(StrEnum):
    FIRST = "first"
    RENEWAL = "renewal"
    SETUP = "setup"
    TOP_UP = "top_up"


class InvoiceNotOpen(Conflict):
    """The invoice is not open."""


class InvoiceNotDraft(Conflict):
    """The invoice is issued already."""


@dataclass(frozen=True, slots=True)
class Line:
    """One charge.

    The period is None for a first line until activation, and for what pays for no
    span of time.
    """

    id: UUID
    position: int
    kind: LineKind
    service_id: UUID | None
    description: str
    quantity: int
    unit: Money
    subtotal: Money
    tax: Money
    total: Money
    tax_rate_bp: int = 0
    period_start: date | None = None
    period_end: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLine:
    """A charge that is to go on an invoice; the command gives it its id and place."""

    kind: LineKind
    description: str
    unit: Money
    quantity: int = 1
    service_id: UUID | None = None
    period_start: date | None = None
    period_end: date | None = None


@dataclass(frozen=True, slots=True)
class Sums:
    """What charges come to, before tax and with it."""

    subtotal: Money
    tax: Money

    @property
    def total(self) -> Money:
        return self.subtotal + self.tax


@dataclass(frozen=True, slots=True)
class Party:
    """A buyer's or seller's details as they stood at issue."""

    name: str
    company: str | None = None
    tax_id: str | None = None
    email: str | None = None
    country: str | None = None
    language: str = "en"
    address: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Invoice:
    """`allocated` is what money, credit and credit notes have paid so far.

    `credit_applied` is how much of that came from credit.
    """

    id: UUID
    customer_id: UUID
    kind: InvoiceKind
    status: InvoiceStatus
    currency: str
    subtotal: Money
    tax: Money
    total: Money
    allocated: Money
    credit_applied: Money
    due_on: date
    created_at: datetime
    version: int
    order_id: UUID | None = None
    number: str | None = None
    issued_on: date | None = None
    paid_on: date | None = None
    buyer: Party | None = None
    seller: Party | None = None
    lines: tuple[Line, ...] = field(default=())

    @property
    def remaining(self) -> Money:
        """What is still to be paid: nothing once the invoice is void."""
        if self.status is InvoiceStatus.VOID:
            return Money.zero(self.currency)
        return self.total - self.allocated

    @property
    def is_open(self) -> bool:
        return self.status is InvoiceStatus.OPEN


def draft(
    invoice_id: UUID,
    *,
    customer_id: UUID,
    kind: InvoiceKind,
    currency: str,
    lines: Sequence[tuple[UUID, NewLine]],
    due_on: date,
    now: datetime,
    order_id: UUID | None = None,
) -> Invoice:
    """Put lines, each with the id it is to have, on a new invoice."""
    placed = tuple(
        _place(line_id, position, line)
        for position, (line_id, line) in enumerate(lines, 1)
    )
    sums = sum_up((line for _, line in lines), currency)
    return Invoice(
        id=invoice_id,
        customer_id=customer_id,
        kind=kind,
        status=InvoiceStatus.DRAFT,
        currency=currency,
        subtotal=sums.subtotal,
        tax=sums.tax,
        total=sums.total,
        allocated=Money.zero(currency),
        credit_applied=Money.zero(currency),
        due_on=due_on,
        created_at=now,
        version=1,
        order_id=order_id,
        lines=placed,
    )


def sum_up(lines: Iterable[NewLine], currency: str) -> Sums:
    """Return what these charges come to on an invoice, whether it is made or not."""
    charges = [_charge(line) for line in lines]
    zero = Money.zero(currency)
    return Sums(
        sum((charge.subtotal for charge in charges), zero),
        sum((charge.tax for charge in charges), zero),
    )


def issue(
    invoice: Invoice, *, number: str, buyer: Party, seller: Party, on: date
) -> Invoice:
    """Number and freeze a draft; one that asks for nothing is paid at once."""
    if invoice.status is not InvoiceStatus.DRAFT:
        raise InvoiceNotDraft(
            "invoice {invoice} is {invoice_status}",
            invoice=invoice.number or invoice.id,
            invoice_status=invoice.status,
        )
    free = not invoice.total.positive
    return replace(
        invoice,
        status=InvoiceStatus.PAID if free else InvoiceStatus.OPEN,
        number=number,
        buyer=buyer,
        seller=seller,
        issued_on=on,
        paid_on=on if free else None,
        version=invoice.version + 1,
    )


def allocate(invoice: Invoice, amount: Money, *, on: date) -> Invoice:
    """Put `amount`, at most what remains, towards an open invoice."""
    if not invoice.is_open:
        raise not_open(invoice)
    if not amount.positive or amount > invoice.remaining:
        raise ValueError(f"{amount} can't be allocated to {invoice.remaining}")
    allocated = invoice.allocated + amount
    paid = allocated == invoice.total
    return replace(
        invoice,
        allocated=allocated,
        status=InvoiceStatus.PAID if paid else InvoiceStatus.OPEN,
        paid_on=on if paid else None,
        version=invoice.version + 1,
    )


def apply_credit(invoice: Invoice, amount: Money, *, on: date) -> Invoice:
    """Let credit pay `amount`, at most what remains, of an open invoice."""
    paid = allocate(invoice, amount, on=on)
    return replace(paid, credit_applied=invoice.credit_applied + amount)


def free_credit(invoice: Invoice, amount: Money) -> Invoice:
    """Take `amount` of the credit that was applied to an open invoice from it again."""
    if not invoice.is_open:
        raise not_open(invoice)
    if not amount.positive or amount > invoice.credit_applied:
        raise ValueError(f"{amount} can't be freed of {invoice.credit_applied}")
    return replace(
        invoice,
        allocated=invoice.allocated - amount,
        credit_applied=invoice.credit_applied - amount,
        version=invoice.version + 1,
    )


def void(invoice: Invoice) -> Invoice:
    """Make a draft or open invoice void; what was allocated must be freed beside it."""
    if invoice.status not in (InvoiceStatus.DRAFT, InvoiceStatus.OPEN):
        raise not_open(invoice)
    return replace(
        invoice,
        status=InvoiceStatus.VOID,
        allocated=Money.zero(invoice.currency),
        credit_applied=Money.zero(invoice.currency),
        version=invoice.version + 1,
    )


def is_overdue(invoice: Invoice, *, today: date) -> bool:
    """Tell whether the day until which the invoice was to be paid is over."""
    return invoice.is_open and invoice.due_on < today


def _place(line_id: UUID, position: int, line: NewLine) -> Line:
    charge = _charge(line)
    return Line(
        id=line_id,
        position=position,
        kind=line.kind,
        service_id=line.service_id,
        description=line.description,
        quantity=line.quantity,
        unit=line.unit,
        subtotal=charge.subtotal,
        tax=charge.tax,
        total=charge.total,
        period_start=line.period_start,
        period_end=line.period_end,
    )


def _charge(line: NewLine) -> Sums:
    subtotal = line.unit * line.quantity
    # No rates yet: every line is exempt.
    return Sums(subtotal, tax=Money.zero(subtotal.currency))


def not_open(invoice: Invoice) -> InvoiceNotOpen:
    """Return the error that names the invoice and what it is instead."""
    return InvoiceNotOpen(
        "invoice {invoice} is {invoice_status}",
        invoice=invoice.number or invoice.id,
        invoice_status=invoice.status,
    )
