"""Amounts as a body has them, made money of with the field named in what is refused."""

from chassis.money import Money
from contracts.api.billing.amounts import TypedAmount


def expected_of(typed: TypedAmount | None) -> Money | None:
    """Return the total that the caller was shown, if the body tells one."""
    if typed is None:
        return None
    return Money.parse(typed.amount, typed.currency, field="expected.amount")
