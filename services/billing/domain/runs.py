"""The daily run: what falls due, which invoices that makes, and what was done."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
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


class Step(StrEnum):
    """What a run does for a customer."""

    RENEWAL = "renewal"
    CREDIT = "credit"
    CANCELLATION = "cancellation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A step that went wrong for one customer, and is tried again by the next run.

    It is `passing` where somebody else only held what was needed for too long.
    """

    step: Step
    customer_id: UUID
    problem: str
    passing: bool = False

    @property
    def key(self) -> tuple[Step, UUID]:
        return self.step, self.customer_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How many things each step of a run changed, and for how many customers not."""

    issued: int = 0
    credit_applied: int = 0
    orders_cancelled: int = 0
    customers_failed: int = 0

    def __add__(self, other: "Report") -> "Report":
        return Report(
            issued=self.issued + other.issued,
            credit_applied=self.credit_applied + other.credit_applied,
            orders_cancelled=self.orders_cancelled + other.orders_cancelled,
            customers_failed=self.customers_failed + other.customers_failed,
        )

    def __bool__(self) -> bool:
        return any((self.issued, self.credit_applied, self.orders_cancelled))


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A finished run: all that was due as of `on`, but for the failures."""

    id: UUID
    on: date
    started_at: datetime
    finished_at: datetime
    report: Report
    failures: tuple[Failure, ...] = ()


def new_failures(run: Run, last: Run | None) -> list[Failure]:
    """Return what somebody should look at: it lasts, and is new since the last run."""
    known = {each.key for each in _lasting(last)}
    return [each for each in _lasting(run) if each.key not in known]


def is_news(run: Run, last: Run | None) -> bool:
    """Tell whether a run did something, or failed otherwise than the last one."""
    is_same = _failed(run) == _failed(last) and not new_failures(run, last)
    return bool(run.report) or not is_same


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


def _failed(run: Run | None) -> set[tuple[Step, UUID]]:
    return {failure.key for failure in run.failures} if run else set()


def _lasting(run: Run | None) -> list[Failure]:
    return [each for each in run.failures if not each.passing] if run else []


def _invoice_key(service: Service) -> tuple[date | None, UUID, str]:
    return service.next_due_on, service.customer_id, service.recurring.currency
