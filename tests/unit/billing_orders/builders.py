"""Products, orders and services for tests of the rules."""

from datetime import UTC, date, datetime
from uuid import UUID

from chassis.ids import uuid7
from chassis.money import Money
from services.billing.domain.catalogue import Price, Product
from services.billing.domain.orders import Order, OrderStatus
from services.billing.domain.periods import Period
from services.billing.domain.services import Service, ServiceStatus

NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)


def a_price(
    amount: int, *, setup: int = 0, period: Period = Period.MONTHLY, in_: str = "BRL"
) -> Price:
    return Price(period, Money(amount, in_), Money(setup, in_))


def a_product(slug: str, *prices: Price) -> Product:
    return Product(
        id=uuid7(),
        slug=slug,
        name=slug.title(),
        group="Hosting",
        description="",
        position=0,
        prices=prices,
    )


def an_order(total: Money) -> Order:
    return Order(
        id=uuid7(),
        number=1001,
        customer_id=uuid7(),
        status=OrderStatus.PENDING,
        total=total,
        placed_on=NOW.date(),
        expires_on=date(2026, 12, 8),
        created_at=NOW,
        version=1,
    )


def a_service(
    *,
    period: Period = Period.MONTHLY,
    customer_id: UUID | None = None,
    next_due_on: date | None = None,
    currency: str = "BRL",
) -> Service:
    return Service(
        id=uuid7(),
        customer_id=customer_id or uuid7(),
        order_id=uuid7(),
        product_id=uuid7(),
        product_slug="start",
        product_name="Start",
        label="example.com",
        status=ServiceStatus.ACTIVE if next_due_on else ServiceStatus.PENDING,
        period=period,
        recurring=Money(2990, currency),
        created_at=NOW,
        version=1,
        anchor_day=next_due_on.day if next_due_on else None,
        paid_until=next_due_on,
        next_due_on=next_due_on,
    )
