"""Orders, each with its invoice and the services it bought."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from chassis.context import current_cause
from chassis.db import Record, Transaction
from chassis.errors import NotFound
from chassis.money import Money
from services.billing.domain.orders import Order, OrderStatus

_ORDERS: Final[LiteralString] = """
    SELECT o.id, o.number, o.customer_id, o.status, o.currency, o.total_minor,
           o.placed_on, o.expires_on, o.created_at, o.version,
           (SELECT i.id FROM invoices i WHERE i.order_id = o.id
            ORDER BY i.id LIMIT 1) AS invoice_id,
           ARRAY(SELECT s.id FROM services s WHERE s.order_id = o.id
                 ORDER BY s.id) AS service_ids
    FROM orders o
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFilter:
    """Which orders a list shows; None means all."""

    scope: UUID | None
    status: OrderStatus | None = None


async def next_number(tx: Transaction) -> int:
    """Return a number no other order has; rolled back, it leaves a gap."""
    return await tx.fetchval("SELECT nextval('order_numbers')")


async def insert_order(tx: Transaction, order: Order) -> None:
    await tx.execute(
        """
        INSERT INTO orders (id, number, customer_id, status, currency, total_minor,
                            placed_on, expires_on, created_at, version, cause_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        """,
        order.id,
        order.number,
        order.customer_id,
        order.status,
        order.total.currency,
        order.total.minor,
        order.placed_on,
        order.expires_on,
        order.created_at,
        order.version,
        current_cause().cause_id,
    )


async def get_order(tx: Transaction, scope: UUID | None, order_id: UUID) -> Order:
    row = await tx.fetchrow(
        _ORDERS + "WHERE o.id = $1 AND ($2::uuid IS NULL OR o.customer_id = $2)",
        order_id,
        scope,
    )
    if row is None:
        raise NotFound
    return _order(row)


async def list_orders(
    tx: Transaction,
    wanted: OrderFilter,
    *,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Order]:
    """Return the newest first, from where a page before ended."""
    rows = await tx.fetch(
        _ORDERS
        + """
        WHERE ($1::uuid IS NULL OR o.customer_id = $1)
          AND ($2::text IS NULL OR o.status = $2)
          AND ($3::timestamptz IS NULL OR (o.created_at, o.id) < ($3, $4))
        ORDER BY o.created_at DESC, o.id DESC LIMIT $5
        """,
        wanted.scope,
        wanted.status,
        *(before or (None, None)),
        limit,
    )
    return [_order(row) for row in rows]


async def count_orders(tx: Transaction, wanted: OrderFilter) -> int:
    return await tx.fetchval(
        """
        SELECT count(*) FROM orders
        WHERE ($1::uuid IS NULL OR customer_id = $1)
          AND ($2::text IS NULL OR status = $2)
        """,
        wanted.scope,
        wanted.status,
    )


async def save_order(tx: Transaction, order: Order) -> None:
    await tx.execute(
        "UPDATE orders SET status = $2, version = $3 WHERE id = $1",
        order.id,
        order.status,
        order.version,
    )


def _order(row: Record) -> Order:
    return Order(
        id=row["id"],
        number=row["number"],
        customer_id=row["customer_id"],
        status=OrderStatus(row["status"]),
        total=Money(row["total_minor"], row["currency"]),
        placed_on=row["placed_on"],
        expires_on=row["expires_on"],
        created_at=row["created_at"],
        version=row["version"],
        invoice_id=row["invoice_id"],
        service_ids=tuple(row["service_ids"]),
    )
