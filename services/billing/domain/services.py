"""What a customer bought: how a service begins, goes on and ends."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from chassis.money import Money
from services.billing.domain.periods import Period, Span, span_from


class ServiceStatus(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    TERMINATED = "terminated"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A product in a customer's hands.

    `paid_until` is the end of the last paid period and `next_due_on` equals it; a
    one-time product has neither.
    """

    id: UUID
    customer_id: UUID
    order_id: UUID
    product_id: UUID
    product_slug: str
    product_name: str
    label: str
    status: ServiceStatus
    period: Period
    recurring: Money
    created_at: datetime
    version: int
    anchor_day: int | None = None
    activated_on: date | None = None
    paid_until: date | None = None
    next_due_on: date | None = None
    cancel_on: date | None = None
    reason: str | None = None

    @property
    def is_pending(self) -> bool:
        return self.status is ServiceStatus.PENDING

    def next_span(self) -> Span:
        """Return the period that the next renewal pays for."""
        if self.next_due_on is None or self.anchor_day is None:
            raise ValueError(f"service {self.id} doesn't renew")
        return span_from(self.next_due_on, self.period, self.anchor_day)


def activate(service: Service, *, on: date) -> Service:
    """Begin: the day of activation anchors every period that follows."""
    span = span_from(on, service.period, on.day) if service.period.recurs else None
    return replace(
        service,
        status=ServiceStatus.ACTIVE,
        activated_on=on,
        anchor_day=on.day if span else None,
        paid_until=span.end if span else None,
        next_due_on=span.end if span else None,
        version=service.version + 1,
    )


def first_span(service: Service) -> Span | None:
    """Return the period that activation paid for; None for a one-time product."""
    if service.activated_on is None or service.anchor_day is None:
        return None
    return span_from(service.activated_on, service.period, service.anchor_day)


def renew(service: Service, paid_until: date) -> Service:
    """Move the expiry to the end of the period that was paid."""
    return replace(
        service,
        paid_until=paid_until,
        next_due_on=paid_until,
        version=service.version + 1,
    )


def cancel(service: Service, *, reason: str) -> Service:
    """End a service that never began."""
    return replace(
        service,
        status=ServiceStatus.CANCELLED,
        reason=reason,
        version=service.version + 1,
    )
