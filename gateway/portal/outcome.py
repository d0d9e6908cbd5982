"""What came of a payment: how what arrived differs from what was asked for."""

from dataclasses import dataclass

from contracts.api.billing.payments import PaymentView
from contracts.money import MoneyModel


@dataclass(frozen=True, slots=True)
class Outcome:
    """How much less arrived than was asked for, and how much of it paid no invoice."""

    short: MoneyModel | None
    credited: MoneyModel | None

    @classmethod
    def of(cls, payment: PaymentView) -> "Outcome":
        if payment.received is None:
            return cls(None, None)
        received = rest = payment.received.to_money()
        asked = payment.amount.to_money()
        for share in payment.invoices:
            rest -= share.paid.to_money()
        return cls(
            MoneyModel.of(asked - received) if received < asked else None,
            MoneyModel.of(rest) if rest.positive else None,
        )
