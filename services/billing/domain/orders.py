"""An order: what was bought together, on one invoice."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from chassis.money import Money
from services.billing.domain.catalogue import PricedItem
from services.billing.domain.invoices import LineKind, NewLine
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
    item: PricedItem, service_ids: Sequence[UUID], language: str
) -> list[NewLine]:
    """Charge for an item: a line for each service, and one for setting them up."""
    product, price = item.product.name, item.price
    text = first_text(product, item.label, price.period, language)
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


def activate(order: Order) -> Order:
    """The order's invoice is paid."""
    return replace(order, status=OrderStatus.ACTIVE, version=order.version + 1)


def cancel(order: Order) -> Order:
    """The order was never paid."""
    return replace(order, status=OrderStatus.CANCELLED, version=order.version + 1)


def _setup_line(
    item: PricedItem, service_ids: Sequence[UUID], language: str
) -> NewLine:
    return NewLine(
        kind=LineKind.SETUP,
        # A fee for several pieces is about no one of them.
        service_id=service_ids[0] if len(service_ids) == 1 else None,
        description=setup_text(item.product.name, language),
        unit=item.price.setup_fee,
        quantity=item.quantity,
    )
