"""Money on the wire: `{"amount": "49.90", "currency": "BRL"}`."""

from typing import Annotated, Self

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

    @classmethod
    def of(cls, money: Money) -> Self:
        return cls(amount=str(money.decimal()), currency=money.currency)

    def to_money(self) -> Money:
        """Return the money, or raise InvalidAmount or UnknownCurrency."""
        return Money.parse(self.amount, self.currency)
