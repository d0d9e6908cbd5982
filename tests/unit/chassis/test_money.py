"""Money is exact, keeps to its currency, and refuses what isn't an amount."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.money import (
    EXPONENTS,
    MAXIMUM_MINOR,
    CurrencyMismatch,
    InvalidAmount,
    Money,
    UnknownCurrency,
)

amounts = st.builds(
    Money,
    st.integers(-MAXIMUM_MINOR, MAXIMUM_MINOR),
    st.sampled_from(sorted(EXPONENTS)),
)


@given(amounts)
def test_what_is_written_reads_back_the_same(money: Money) -> None:
    assert Money.parse(str(money.decimal()), money.currency) == money


@given(amounts, amounts)
def test_sums_are_exact_or_refused(one: Money, other: Money) -> None:
    if one.currency == other.currency:
        assert (one + other).minor == one.minor + other.minor
        assert (one - other) + other == one
        assert (one < other) == (one.minor < other.minor)
    else:
        with pytest.raises(CurrencyMismatch):
            _ = one + other


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("49.90", "BRL", 4990),
        ("49.9", "BRL", 4990),
        ("49", "BRL", 4900),
        ("-0.01", "USD", -1),
        ("500", "JPY", 500),
        ("1.234", "KWD", 1234),
    ],
)
def test_the_currency_decides_the_places(text: str, currency: str, minor: int) -> None:
    assert Money.parse(text, currency) == Money(minor, currency)


@pytest.mark.parametrize(
    "text",
    ["", " 1", "1 ", "+1", "1.", ".1", "1e3", "NaN", "Infinity", "1,00", "٣", "1.234"],
)
def test_what_is_not_a_plain_decimal_is_no_amount(text: str) -> None:
    with pytest.raises(InvalidAmount):
        Money.parse(text, "BRL")


def test_yen_have_no_cents() -> None:
    with pytest.raises(InvalidAmount, match="at most 0 decimal places"):
        Money.parse("1.0", "JPY")


def test_an_amount_beyond_the_largest_is_refused() -> None:
    assert Money.parse("9999999999999.99", "BRL").minor == MAXIMUM_MINOR
    with pytest.raises(InvalidAmount, match="too large"):
        Money.parse("10000000000000.00", "BRL")


def test_an_unknown_currency_is_refused_by_name() -> None:
    with pytest.raises(UnknownCurrency, match="ZZZ"):
        Money.parse("1", "ZZZ")


def test_money_shows_its_places_and_currency() -> None:
    assert str(Money(4990, "BRL")) == "49.90 BRL"
    assert Money(5, "BRL").decimal() == Decimal("0.05")
