"""The forecast's rules: which charges come, in which order, and what covers them."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.money import Money
from services.billing.domain.forecast import Outlook, forecast, horizon, outlook
from services.billing.domain.periods import Period
from services.billing.domain.services import renew
from tests.unit.billing_orders.builders import a_service

TODAY = date(2027, 1, 25)
YEAR = horizon(TODAY, 12)


@given(
    st.dates(date(2027, 1, 1), date(2030, 12, 31)),
    st.sampled_from([period for period in Period if period.recurs]),
    st.integers(1, 24),
)
def test_it_is_what_renewing_again_and_again_comes_to(
    due_on: date, period: Period, months: int
) -> None:
    service = a_service(period=period, next_due_on=due_on)
    until = horizon(TODAY, months)
    charges = forecast([service], invoiced=(), until=until)
    for charge in charges:
        assert charge.due_on == service.next_due_on
        service = renew(service, service.next_span().end)
    assert service.next_due_on is not None
    assert service.next_due_on >= until


def test_a_month_end_anchor_does_not_drift() -> None:
    service = a_service(next_due_on=date(2027, 1, 31))
    charges = forecast([service], invoiced=(), until=date(2027, 5, 1))
    assert [charge.due_on for charge in charges] == [
        *(date(2027, 1, 31), date(2027, 2, 28), date(2027, 3, 31), date(2027, 4, 30))
    ]


def test_a_year_holds_twelve_months_even_when_one_is_due_today() -> None:
    service = a_service(next_due_on=TODAY)
    assert len(forecast([service], invoiced=(), until=YEAR)) == 12


def test_what_is_invoiced_already_is_not_in_it() -> None:
    service = a_service(next_due_on=date(2027, 1, 31))
    invoiced = {(service.id, date(2027, 1, 31))}
    first, *_ = forecast([service], invoiced=invoiced, until=YEAR)
    assert first.due_on == date(2027, 2, 28)


def test_nothing_is_charged_from_the_day_of_cancellation() -> None:
    service = replace(
        a_service(next_due_on=date(2027, 2, 1)), cancel_on=date(2027, 4, 1)
    )
    charges = forecast([service], invoiced=(), until=YEAR)
    assert [charge.due_on for charge in charges] == [
        *(date(2027, 2, 1), date(2027, 3, 1))
    ]


def test_what_is_bought_once_or_not_begun_is_not_in_it() -> None:
    once = a_service(period=Period.ONE_TIME)
    pending = a_service()
    assert forecast([once, pending], invoiced=(), until=YEAR) == []


def test_charges_come_in_date_order() -> None:
    late, early = (
        a_service(next_due_on=date(2027, 2, 20)),
        a_service(next_due_on=date(2027, 2, 3)),
    )
    charges = forecast([late, early], invoiced=(), until=YEAR)
    assert [c.due_on for c in charges] == sorted(c.due_on for c in charges)
    assert len(charges) == 24


@pytest.mark.parametrize(
    ("credit", "missing"), [(0, 6080), (6079, 1), (6080, 0), (9000, 0)]
)
def test_credit_covers_what_is_owed_first_and_then_the_charges(
    credit: int, missing: int
) -> None:
    service = a_service(next_due_on=date(2027, 2, 1))
    charges = forecast([service], invoiced=(), until=date(2027, 4, 1))
    [one] = outlook(charges, owed=[Money(100, "BRL")], credit=[Money(credit, "BRL")])
    assert one == Outlook(
        charges=Money(5980, "BRL"),
        owed=Money(100, "BRL"),
        credit=Money(credit, "BRL"),
    )
    assert one.missing == Money(missing, "BRL")
    assert one.covered is (missing == 0)


def test_currencies_are_never_mixed() -> None:
    charges = forecast(
        [
            a_service(next_due_on=date(2027, 2, 1)),
            a_service(next_due_on=date(2027, 2, 1), currency="USD"),
        ],
        invoiced=(),
        until=date(2027, 2, 2),
    )
    brl, usd = outlook(charges, owed=(), credit=[Money(2990, "USD")])
    assert (brl.covered, usd.covered) == (False, True)
    assert (brl.credit, usd.credit) == (Money(0, "BRL"), Money(2990, "USD"))
