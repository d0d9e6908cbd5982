"""Services: what customers bought."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, LiteralString
from uuid import UUID

from chassis.context import current_cause
from chassis.db import Record, Transaction
from chassis.errors import NotFound
from chassis.money import Money
from services.billing.domain.periods import Period
from services.billing.domain.runs import Due
from services.billing.domain.services import Service, ServiceStatus

_SERVICES: Final[LiteralString] = """
    SELECT id, customer_id, order_id, product_id, product_slug, product_name, label,
           status, period, currency, recurring_minor, anchor_day, activated_on,
           paid_until, next_due_on, cancel_on, reason, created_at, version
    FROM services
"""
_COLUMNS = (
    *("id", "customer_id", "order_id", "product_id", "product_slug", "product_name"),
    *("label", "status", "period", "currency", "recurring_minor", "created_at"),
    *("version", "cause_id"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceFilter:
    """Which services a list shows; None means all."""

    scope: UUID | None
    status: ServiceStatus | None = None


async def get_service(tx: Transaction, scope: UUID | None, service_id: UUID) -> Service:
    row = await tx.fetchrow(
        _SERVICES + "WHERE id = $1 AND ($2::uuid IS NULL OR customer_id = $2)",
        service_id,
        scope,
    )
    if row is None:
        raise NotFound
    return _service(row)


async def lock_services(tx: Transaction, service_ids: Sequence[UUID]) -> list[Service]:
    """Lock the services in id order."""
    rows = await tx.fetch(
        _SERVICES + "WHERE id = ANY($1) ORDER BY id FOR UPDATE", list(service_ids)
    )
    return [_service(row) for row in rows]


async def list_services(
    tx: Transaction,
    wanted: ServiceFilter,
    *,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Service]:
    """Return the newest first, from where a page before ended."""
    rows = await tx.fetch(
        _SERVICES
        + """
        WHERE ($1::uuid IS NULL OR customer_id = $1)
          AND ($2::text IS NULL OR status = $2)
          AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4))
        ORDER BY created_at DESC, id DESC LIMIT $5
        """,
        wanted.scope,
        wanted.status,
        *(before or (None, None)),
        limit,
    )
    return [_service(row) for row in rows]


async def count_services(tx: Transaction, wanted: ServiceFilter) -> int:
    return await tx.fetchval(
        """
        SELECT count(*) FROM services
        WHERE ($1::uuid IS NULL OR customer_id = $1)
          AND ($2::text IS NULL OR status = $2)
        """,
        wanted.scope,
        wanted.status,
    )


async def list_services_after(
    tx: Transaction, after: UUID | None, limit: int
) -> list[Service]:
    """Return services in id order, for their state to be told again."""
    rows = await tx.fetch(
        _SERVICES + "WHERE ($1::uuid IS NULL OR id > $1) ORDER BY id LIMIT $2",
        after,
        limit,
    )
    return [_service(row) for row in rows]


async def list_services_due(tx: Transaction, due: Sequence[Due]) -> list[Service]:
    """Return the services due at these dates whose next period isn't invoiced yet.

    Those of one invoice, that is one customer, date and currency, come together.
    """
    rows = await tx.fetch(
        _SERVICES
        + """
        JOIN unnest($1::date[], $2::uuid[]) AS due (due_on, owner_id)
            ON next_due_on = due.due_on AND customer_id = due.owner_id
        WHERE status IN ('active', 'suspended')
          AND (cancel_on IS NULL OR cancel_on > next_due_on)
          AND NOT EXISTS (SELECT FROM service_periods p
                          WHERE p.service_id = id AND p.starts_on = next_due_on)
        ORDER BY next_due_on, customer_id, currency, id
        """,
        [one.due_on for one in due],
        [one.customer_id for one in due],
    )
    return [_service(row) for row in rows]


async def list_renewing(tx: Transaction, customer_id: UUID) -> list[Service]:
    """Return the customer's services whose next period the daily run will invoice.

    Those that cost nothing are left out: nobody has to pay for them.
    """
    rows = await tx.fetch(
        _SERVICES
        + """
        WHERE customer_id = $1 AND status IN ('active', 'suspended')
          AND next_due_on IS NOT NULL AND recurring_minor > 0
        ORDER BY id
        """,
        customer_id,
    )
    return [_service(row) for row in rows]


async def list_periods_ahead(
    tx: Transaction, customer_id: UUID
) -> set[tuple[UUID, date]]:
    """Return which service's period, by its start, is invoiced and not paid yet."""
    rows = await tx.fetch(
        """
        SELECT p.service_id, p.starts_on
        FROM services s
        JOIN service_periods p ON p.service_id = s.id AND p.starts_on >= s.next_due_on
        WHERE s.customer_id = $1
        """,
        customer_id,
    )
    return {(row["service_id"], row["starts_on"]) for row in rows}


async def insert_services(tx: Transaction, services: Sequence[Service]) -> None:
    """Write services that were just ordered."""
    cause_id = current_cause().cause_id
    await tx.copy("services", _COLUMNS, [_row(s, cause_id) for s in services])


async def save_services(tx: Transaction, services: Sequence[Service]) -> None:
    """Write what may change in a service's life."""
    await tx.execute(
        """
        UPDATE services s
        SET status = n.status, anchor_day = n.anchor_day,
            activated_on = n.activated_on, paid_until = n.paid_until,
            next_due_on = n.next_due_on, reason = n.reason, version = n.version
        FROM unnest($1::uuid[], $2::text[], $3::smallint[], $4::date[], $5::date[],
                    $6::date[], $7::text[], $8::bigint[])
             AS n (id, status, anchor_day, activated_on, paid_until, next_due_on,
                   reason, version)
        WHERE s.id = n.id
        """,
        [service.id for service in services],
        [service.status for service in services],
        [service.anchor_day for service in services],
        [service.activated_on for service in services],
        [service.paid_until for service in services],
        [service.next_due_on for service in services],
        [service.reason for service in services],
        [service.version for service in services],
    )


def _service(row: Record) -> Service:
    return Service(
        id=row["id"],
        customer_id=row["customer_id"],
        order_id=row["order_id"],
        product_id=row["product_id"],
        product_slug=row["product_slug"],
        product_name=row["product_name"],
        label=row["label"],
        status=ServiceStatus(row["status"]),
        period=Period(row["period"]),
        recurring=Money(row["recurring_minor"], row["currency"]),
        anchor_day=row["anchor_day"],
        activated_on=row["activated_on"],
        paid_until=row["paid_until"],
        next_due_on=row["next_due_on"],
        cancel_on=row["cancel_on"],
        reason=row["reason"],
        created_at=row["created_at"],
        version=row["version"],
    )


def _row(service: Service, cause_id: str) -> tuple[object, ...]:
    return (
        service.id,
        service.customer_id,
        service.order_id,
        service.product_id,
        service.product_slug,
        service.product_name,
        service.label,
        service.status,
        service.period,
        service.recurring.currency,
        service.recurring.minor,
        service.created_at,
        service.version,
        cause_id,
    )
