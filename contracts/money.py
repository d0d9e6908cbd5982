"""Money on the wire: `{"amount": "49.90", "currency": "BRL"}`."""

from functools import lru_cache
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from chassis.money import Money

Amount = Annotated[
    str, StringConstraints(pattern=r"^-?\d{1,15}(\.\d{1,3})?$", max_length=20)
]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class MoneyModel(BaseModel):
    """A decimal string in major units, and its ISO 4217 currency."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    amount: Amount
    currency: Currency

    @staticmethod
    def of(money: Money) -> "MoneyModel":
        return _model_of(money.minor, money.currency)

    def to_money(self) -> Money:
        """Return the money, or raise InvalidAmount or UnknownCurrency."""
        return Money.parse(self.amount, self.currency)


@lru_cache(maxsize=4096)
def _model_of(minor: int, currency: str) -> MoneyModel:
    # The same few sums are told over and over: nothing, no tax, a plan's price.
    return MoneyModel(amount=str(Money(minor, currency).decimal()), currency=currency)
