"""A service's life: it begins on the day it is paid, and goes on from its anchor."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.billing.domain.periods import Period
from services.billing.domain.services import ServiceStatus, activate, first_span, renew
from tests.unit.billing_orders.builders import a_service

days = st.dates(date(2020, 1, 1), date(2080, 12, 31))


def test_the_first_period_starts_on_the_day_of_activation() -> None:
    service = activate(a_service(), on=date(2027, 1, 31))
    assert service.status is ServiceStatus.ACTIVE
    assert service.anchor_day == 31
    assert service.paid_until == service.next_due_on == date(2027, 2, 28)
    span = first_span(service)
    assert span is not None
    assert (span.start, span.end) == (date(2027, 1, 31), date(2027, 2, 28))


def test_a_one_time_product_has_no_period_and_no_expiry() -> None:
    service = activate(a_service(period=Period.ONE_TIME), on=date(2027, 1, 31))
    assert service.status is ServiceStatus.ACTIVE
    assert first_span(service) is None
    assert (service.paid_until, service.next_due_on) == (None, None)
    with pytest.raises(ValueError, match="doesn't renew"):
        service.next_span()


@given(days, st.sampled_from([p for p in Period if p.recurs]), st.integers(1, 40))
def test_renewals_never_drift_from_the_day_of_activation(
    begun_on: date, period: Period, number: int
) -> None:
    service = activate(a_service(period=period), on=begun_on)
    for _ in range(number):
        span = service.next_span()
        assert span.start == service.paid_until
        service = renew(service, span.end)
    assert service.anchor_day == begun_on.day
    assert service.paid_until is not None
    assert service.paid_until.day in (begun_on.day, 28, 29, 30)
    assert service.paid_until == service.next_due_on
