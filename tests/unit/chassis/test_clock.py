"""Business time can be moved; real time can't, and dates are the company's."""

from datetime import UTC, date, datetime, timedelta

from chassis.clock import Clock, FixedClock

LATE_EVENING_UTC = datetime(2026, 3, 1, 1, 30, tzinfo=UTC)


def test_the_date_is_that_of_the_companys_zone() -> None:
    assert FixedClock(LATE_EVENING_UTC).today() == date(2026, 3, 1)
    assert FixedClock(LATE_EVENING_UTC, "America/Sao_Paulo").today() == date(
        2026, 2, 28
    )


def test_a_shift_moves_business_time_alone() -> None:
    clock = FixedClock(LATE_EVENING_UTC)
    clock.shift = timedelta(days=31)
    assert clock.now() == LATE_EVENING_UTC
    assert clock.business_now() == LATE_EVENING_UTC + timedelta(days=31)
    assert clock.today() == date(2026, 4, 1)


def test_the_real_clock_goes() -> None:
    clock = Clock()
    assert clock.now() <= clock.now()
    assert clock.now().tzinfo is UTC
