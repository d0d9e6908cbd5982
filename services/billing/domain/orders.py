"""An order: what was bought together, on one invoice."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from chassis.money import Money
from services.billing.domain.catalogue import PricedItem
from services.billing.domain.invoices import LineKind, NewLine, Sums, sum_up
from services.billing.domain.quotes import SumChanged
from services.billing.domain.services import Service, ServiceStatus
from services.billing.domain.wording import first_text, setup_text


class OrderStatus(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """`expires_on` is the day on which it is cancelled if it's still unpaid."""

    id: UUID
    number: int
    customer_id: UUID
    status: OrderStatus
    total: Money
    placed_on: date
    expires_on: date
    created_at: datetime
    version: int
    invoice_id: UUID | None = None
    service_ids: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewLine:
    """One item of a cart: what it is called, and what all its charges come to."""

    description: str
    item: PricedItem
    total: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What an order would ask for, and how much of it credit would pay."""

    lines: tuple[PreviewLine, ...]
    sums: Sums
    credit_available: Money
    credit_used: Money

    @property
    def remaining(self) -> Money:
        return self.sums.total - self.credit_used


def check_total(total: Money, expected: Money | None) -> None:
    """Refuse to order for another total than the customer was shown, if they say it."""
    if expected is not None and expected != total:
        raise SumChanged(
            "{expected} was shown, and the order comes to {total} now, so nothing was "
            "ordered",
            expected=expected,
            total=total,
        )


def bought_service(service_id: UUID, item: PricedItem, order: Order) -> Service:
    """Return the service that one piece of an item becomes."""
    period, amount = item.price.period, item.price.amount
    return Service(
        id=service_id,
        customer_id=order.customer_id,
        order_id=order.id,
        product_id=item.product.id,
        product_slug=item.product.slug,
        product_name=item.product.name,
        label=item.label,
        status=ServiceStatus.PENDING,
        period=period,
        recurring=amount if period.recurs else Money.zero(amount.currency),
        created_at=order.created_at,
        version=1,
    )


def first_lines(
    item: PricedItem, service_ids: Sequence[UUID | None], language: str
) -> list[NewLine]:
    """Charge for an item: a line for each service, and one for setting them up.

    A service that isn't ordered yet has no id.
    """
    price = item.price
    text = _text(item, language)
    lines = [
        NewLine(
            kind=LineKind.FIRST,
            service_id=service_id,
            description=text,
            unit=price.amount,
        )
        for service_id in service_ids
    ]
    if price.setup_fee.positive:
        lines.append(_setup_line(item, service_ids, language))
    return lines


def preview(
    items: Sequence[PricedItem],
    *,
    currency: str,
    language: str,
    credit: Money,
    use_credit: bool,
) -> Preview:
    """Say what these items would be charged for, by the lines that an order makes."""
    charges = [
        (item, first_lines(item, [None] * item.quantity, language)) for item in items
    ]
    sums = sum_up((line for _, lines in charges for line in lines), currency)
    return Preview(
        lines=tuple(
            PreviewLine(
                description=_text(item, language),
                item=item,
                total=sum_up(lines, currency).total,
            )
            for item, lines in charges
        ),
        sums=sums,
        credit_available=credit,
        credit_used=min(credit, sums.total) if use_credit else Money.zero(currency),
    )


def activate(order: Order) -> Order:
    """The order's invoice is paid."""
    return replace(order, status=OrderStatus.ACTIVE, version=order.version + 1)


def cancel(order: Order) -> Order:
    """The order was never paid."""
    return replace(order, status=OrderStatus.CANCELLED, version=order.version + 1)


def _text(item: PricedItem, language: str) -> str:
    return first_text(item.product.name, item.label, item.price.period, language)


def _setup_line(
    item: PricedItem, service_ids: Sequence[UUID | None], language: str
) -> NewLine:
    return NewLine(
        kind=LineKind.SETUP,
        # A fee for several pieces is about no one of them.
        service_id=service_ids[0] if len(service_ids) == 1 else None,
        description=setup_text(item.product.name, language),
        unit=item.price.setup_fee,
        quantity=item.quantity,
    )
