"""The API of daily runs, and of the sandbox's clock."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field

from chassis.errors import BadValue
from chassis.http import Body, View

FIRST_DAY = date(2000, 1, 1)
LAST_DAY = date(2199, 12, 31)


def _within_reach(day: date) -> date:
    if not FIRST_DAY <= day <= LAST_DAY:
        raise BadValue(
            "must be from {minimum} to {maximum}", minimum=FIRST_DAY, maximum=LAST_DAY
        )
    return day


def _instant_within_reach(instant: datetime) -> datetime:
    _within_reach(instant.date())
    return instant


Day = Annotated[date, AfterValidator(_within_reach)]
Instant = Annotated[AwareDatetime, AfterValidator(_instant_within_reach)]


class StartRun(Body):
    """The date by which the run decides what is due."""

    on: Day = Field(
        description="After today only where the sandbox's clock is enabled."
    )


class BillingRunView(View):
    """What a run did: how many invoices or orders each of its steps changed."""

    id: UUID
    on: date
    started_at: datetime
    finished_at: datetime
    issued: int = Field(description="Renewal invoices issued.")
    credit_applied: int = Field(description="Due invoices that credit paid for.")
    orders_cancelled: int = Field(description="Orders that were never paid.")
    customers_failed: int = Field(
        description="Customers for whom something failed: staff gets a task, and "
        "every run tries again."
    )


class MoveClock(Body):
    """The instant that business dates are to go by."""

    now: Instant


class ClockView(View):
    """The business time; only business dates go by it."""

    now: datetime
    today: date = Field(description="The business date where the company is.")
    sandbox: bool = Field(description="Whether `PUT /staff/clock` can move it.")
