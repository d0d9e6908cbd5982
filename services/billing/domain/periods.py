"""Billing periods: how long each is, and where it ends without ever drifting."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Period(StrEnum):
    ONE_TIME = "one_time"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    SEMIANNUAL = "semiannual"
    ANNUAL = "annual"
    BIENNIAL = "biennial"
    TRIENNIAL = "triennial"

    @property
    def recurs(self) -> bool:
        return self is not Period.ONE_TIME


MONTHS = {
    Period.MONTHLY: 1,
    Period.QUARTERLY: 3,
    Period.SEMIANNUAL: 6,
    Period.ANNUAL: 12,
    Period.BIENNIAL: 24,
    Period.TRIENNIAL: 36,
}


@dataclass(frozen=True, slots=True)
class Span:
    """The days from `start` up to, and without, `end`."""

    start: date
    end: date


def advance(start: date, period: Period, anchor_day: int) -> date:
    """Return where a period that begins on `start` ends."""
    return add_months(start, MONTHS[period], anchor_day)


def add_months(start: date, months: int, anchor_day: int) -> date:
    """Return the anchor's day, so many months after the month of `start`.

    It is the month's last where the month is too short: a service that began on
    31 January renews on 28 February and on 31 March.
    """
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    last_day = monthrange(year, month + 1)[1]
    return date(year, month + 1, min(anchor_day, last_day))


def span_from(start: date, period: Period, anchor_day: int) -> Span:
    """Return the period that begins on `start`."""
    return Span(start, advance(start, period, anchor_day))
