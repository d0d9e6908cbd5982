"""The sandbox clock's buttons: each names the instant that it leads to."""

from datetime import UTC, date, datetime

import pytest

from contracts.api.billing.runs import ClockView
from gateway.portal.views.staff_clock import month_after, steps_from

NOON = datetime(2027, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2027-01-31", "2027-02-28"),
        ("2028-01-31", "2028-02-29"),
        ("2026-12-15", "2027-01-15"),
        ("2027-11-30", "2027-12-30"),
    ],
)
def test_a_month_on_is_the_same_day_or_the_months_last(start: str, end: str) -> None:
    instant = datetime.combine(date.fromisoformat(start), NOON.timetz())
    assert month_after(instant).date().isoformat() == end


def test_each_button_leads_to_an_instant() -> None:
    clock = ClockView(now=NOON, today=NOON.date(), sandbox=True)
    assert [instant for _, instant in steps_from(clock)] == [
        "2027-02-01T12:00:00+00:00",
        "2027-02-10T12:00:00+00:00",
        "2027-02-28T12:00:00+00:00",
    ]
