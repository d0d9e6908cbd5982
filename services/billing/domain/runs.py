"""The daily run: what falls due, which invoices that makes, and what was done."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from uuid import UUID

from services.billing.domain.invoices import LineKind, NewLine
from services.billing.domain.services import Service
from services.billing.domain.wording import renewal_text

#: Beyond this an invoice is split, so that each fits an event, a page and a PDF.
MAXIMUM_LINES = 400


@dataclass(frozen=True, slots=True)
class Due:
    """A customer some of whose services renew on a day; runs page by these."""

    due_on: date
    customer_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """The dates a run goes by: it decides as of `on`, and books no earlier than today.

    Only in the sandbox can `on` lie ahead.
    """

    on: date
    today: date

    @property
    def booked_on(self) -> date:
        return max(self.on, self.today)


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How many things each step of a run changed."""

    issued: int = 0
    credit_applied: int = 0
    orders_cancelled: int = 0

    def __add__(self, other: "Report") -> "Report":
        return Report(
            issued=self.issued + other.issued,
            credit_applied=self.credit_applied + other.credit_applied,
            orders_cancelled=self.orders_cancelled + other.orders_cancelled,
        )

    def __bool__(self) -> bool:
        return any((self.issued, self.credit_applied, self.orders_cancelled))


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A finished run: all that was due as of `on`."""

    id: UUID
    on: date
    started_at: datetime
    finished_at: datetime
    report: Report


def group_renewals(services: Iterable[Service]) -> list[list[Service]]:
    """Group services, in their order, by the invoice that renews them.

    That is one per customer, due date and currency.
    """
    groups = groupby(services, key=_invoice_key)
    return [
        group[start : start + MAXIMUM_LINES]
        for group in (list(members) for _, members in groups)
        for start in range(0, len(group), MAXIMUM_LINES)
    ]


def renewal_line(service: Service, language: str) -> NewLine:
    """Charge for the service's next period."""
    span = service.next_span()
    return NewLine(
        kind=LineKind.RENEWAL,
        service_id=service.id,
        description=renewal_text(service.product_name, service.label, span, language),
        unit=service.recurring,
        period_start=span.start,
        period_end=span.end,
    )


def _invoice_key(service: Service) -> tuple[date | None, UUID, str]:
    return service.next_due_on, service.customer_id, service.recurring.currency
