"""Money as integer minor units with an ISO 4217 currency; never float."""

import re
from dataclasses import dataclass
from decimal import Decimal

from chassis.errors import RuleViolated

#: Digits after the decimal point, ISO 4217; every currency we take is listed.
EXPONENTS = {
    **dict.fromkeys(("BRL", "USD", "EUR", "GBP", "CAD", "AUD", "CHF", "MXN"), 2),
    **dict.fromkeys(("CLP", "JPY", "KRW", "PYG"), 0),
    **dict.fromkeys(("BHD", "KWD", "TND"), 3),
}
#: The largest amount of one movement: 15 digits of minor units fit a bigint sum.
MAXIMUM_MINOR = 999_999_999_999_999

_AMOUNT = re.compile(r"-?\d{1,15}(?:\.(\d{1,3}))?", re.ASCII)


class InvalidAmount(RuleViolated):
    """The amount is not a valid sum of money."""


class UnknownCurrency(RuleViolated):
    """The currency is not one that is accepted here."""


class CurrencyMismatch(RuleViolated):
    """Amounts of two currencies can't be combined."""


def exponent(currency: str) -> int:
    """Return the currency's decimal places, or raise UnknownCurrency."""
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise UnknownCurrency(
            "'{currency}' is not one of {currencies}",
            currency=currency,
            currencies=sorted(EXPONENTS),
            field="currency",
        ) from None


@dataclass(frozen=True, slots=True)
class Money:
    """`minor` units (cents for BRL) of `currency`."""

    minor: int
    currency: str

    @classmethod
    def zero(cls, currency: str) -> "Money":
        return cls(0, currency)

    @classmethod
    def parse(cls, amount: str, currency: str, *, field: str = "amount") -> "Money":
        """Read `49.90`; refuse signs other than a minus, exponents and extra digits."""
        places = exponent(currency)
        match = _AMOUNT.fullmatch(amount)
        if match is None or len(match[1] or "") > places:
            raise InvalidAmount(
                "must be a decimal number with at most {places} decimal places",
                places=places,
                field=field,
            )
        minor = int(Decimal(amount).scaleb(places))
        if abs(minor) > MAXIMUM_MINOR:
            raise InvalidAmount("the amount is too large", field=field)
        return cls(minor, currency)

    def __str__(self) -> str:
        return f"{self.decimal()} {self.currency}"

    def decimal(self) -> Decimal:
        """Return the amount in major units, with the currency's decimal places."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __mul__(self, factor: int) -> "Money":
        return Money(self.minor * factor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._same(other)

    def __le__(self, other: "Money") -> bool:
        return self.minor <= self._same(other)

    def __gt__(self, other: "Money") -> bool:
        return self.minor > self._same(other)

    def __ge__(self, other: "Money") -> bool:
        return self.minor >= self._same(other)

    @property
    def positive(self) -> bool:
        return self.minor > 0

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise CurrencyMismatch(
                "{other} can't be combined with {currency}",
                other=other.currency,
                currency=self.currency,
                field="currency",
            )
        return other.minor
