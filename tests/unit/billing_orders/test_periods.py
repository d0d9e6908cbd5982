"""Billing periods: anchored, without gaps, never drifting."""

from calendar import monthrange
from datetime import date
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.billing.domain.periods import MONTHS, Period, advance, span_from

starts = st.dates(date(2000, 1, 1), date(2100, 12, 31))
recurring = st.sampled_from([period for period in Period if period.recurs])


def ends(start: date, period: Period, number: int) -> list[date]:
    """Return the start and the ends of so many periods in a row."""
    days = [start]
    for _ in range(number):
        days.append(advance(days[-1], period, start.day))
    return days


def test_a_year_from_31_january_comes_back_to_31_each_time_it_can() -> None:
    days = ends(date(2027, 1, 31), Period.MONTHLY, 14)
    assert [(day.month, day.day) for day in days] == [
        *((1, 31), (2, 28), (3, 31), (4, 30), (5, 31), (6, 30), (7, 31)),
        *((8, 31), (9, 30), (10, 31), (11, 30), (12, 31), (1, 31), (2, 29), (3, 31)),
    ]


@pytest.mark.parametrize(
    ("start", "period", "end"),
    [
        (date(2028, 2, 29), Period.ANNUAL, date(2029, 2, 28)),
        (date(2027, 11, 30), Period.QUARTERLY, date(2028, 2, 29)),
        (date(2026, 8, 31), Period.SEMIANNUAL, date(2027, 2, 28)),
        (date(2026, 5, 15), Period.BIENNIAL, date(2028, 5, 15)),
        (date(2025, 12, 31), Period.TRIENNIAL, date(2028, 12, 31)),
    ],
)
def test_every_period_has_its_length(start: date, period: Period, end: date) -> None:
    assert advance(start, period, start.day) == end


def test_a_leap_day_returns_every_fourth_year() -> None:
    days = ends(date(2024, 2, 29), Period.ANNUAL, 8)
    assert [day.day for day in days] == [29, 28, 28, 28, 29, 28, 28, 28, 29]


@given(starts, recurring, st.integers(1, 60))
def test_the_nth_end_is_n_periods_after_the_start(
    start: date, period: Period, number: int
) -> None:
    months = start.year * 12 + start.month - 1 + MONTHS[period] * number
    last_day = monthrange(months // 12, months % 12 + 1)[1]
    expected = date(months // 12, months % 12 + 1, min(start.day, last_day))
    assert ends(start, period, number)[-1] == expected


@given(starts, recurring)
def test_periods_follow_each_other_without_gap_or_overlap(
    start: date, period: Period
) -> None:
    days = ends(start, period, 40)
    spans = [span_from(day, period, start.day) for day in days]
    assert all(before.end == after.start for before, after in pairwise(spans))
    assert all(span.start < span.end for span in spans)


@given(starts, recurring)
def test_a_period_never_ends_after_its_anchor_day(start: date, period: Period) -> None:
    for day in ends(start, period, 36)[1:]:
        month_end = monthrange(day.year, day.month)[1]
        assert day.day == min(start.day, month_end)
