"""Who counts as one address, and how long a full window keeps one waiting."""

from datetime import UTC, datetime, timedelta

import pytest

from services.accounts.domain.limits import (
    Limit,
    throttle_from,
    throttle_of,
    too_many,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LIMIT = Limit("trial", 30, timedelta(minutes=15))


def _key(address: str | None) -> str:
    return throttle_from(LIMIT, address, 1).key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:DB8:0:0::1", "2001:db8::2"),
    ],
)
def test_one_connection_has_one_key(one: str, other: str) -> None:
    assert _key(one) == _key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("2001:db8::1", "2001:db8:0:1::1"), ("192.0.2.1", "192.0.2.2"), ("x", None)],
)
def test_two_connections_have_two_keys(one: str, other: str | None) -> None:
    assert _key(one) != _key(other)


def test_the_factor_raises_the_count_and_nothing_else() -> None:
    looser = throttle_from(LIMIT, "192.0.2.1", 100)
    assert (looser.limit.count, looser.limit.window) == (3000, LIMIT.window)
    assert looser.key == _key("192.0.2.1")


def test_a_key_holds_nothing_of_what_was_typed() -> None:
    throttle = throttle_of(LIMIT, "ana@example.com" * 1000)
    assert "ana" not in throttle.key
    assert len(throttle.key) < 100


@pytest.mark.parametrize(
    ("age", "seconds"),
    [
        (timedelta(), 900),
        (timedelta(minutes=14, seconds=30), 30),
        (timedelta(minutes=14, seconds=59, milliseconds=900), 1),
        (timedelta(minutes=16), 1),
    ],
)
def test_one_waits_until_the_oldest_attempt_left_the_window(
    age: timedelta, seconds: int
) -> None:
    refusal = too_many(throttle_of(LIMIT, "x"), NOW - age, now=NOW)
    assert refusal.retry_after_seconds == seconds
