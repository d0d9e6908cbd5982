"""What came of a payment is told from what arrived, was asked for, and was paid."""

from datetime import UTC, datetime

import pytest

from chassis.ids import uuid7
from contracts.api.billing.payments import PaymentShareView, PaymentView
from contracts.money import MoneyModel
from gateway.portal.outcome import Outcome

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)


def brl(amount: str) -> MoneyModel:
    return MoneyModel(amount=amount, currency="BRL")


def a_payment(received: str | None, *paid: str) -> PaymentView:
    return PaymentView(
        id=uuid7(),
        status="succeeded" if received else "awaiting_confirmation",
        method="bank_transfer",
        amount=brl("100.00"),
        received=brl(received) if received else None,
        reference="CA-7K3M2QXP",
        invoices=[
            PaymentShareView(invoice_id=uuid7(), amount=brl("50.00"), paid=brl(each))
            for each in paid
        ],
        next_action=None,
        created_at=NOW,
        succeeded_at=NOW if received else None,
    )


@pytest.mark.parametrize(
    ("payment", "short", "credited"),
    [
        (a_payment(None, "0.00", "0.00"), None, None),
        (a_payment("100.00", "50.00", "50.00"), None, None),
        (a_payment("99.99", "50.00", "49.99"), "0.01", None),
        (a_payment("100.01", "50.00", "50.00"), None, "0.01"),
        # One of them was paid elsewhere meanwhile.
        (a_payment("100.00", "0.00", "50.00"), None, "50.00"),
        (a_payment("80.00", "0.00", "50.00"), "20.00", "30.00"),
    ],
)
def test_the_difference_is_named_to_the_cent(
    payment: PaymentView, short: str | None, credited: str | None
) -> None:
    came_of = Outcome.of(payment)
    assert came_of.short == (brl(short) if short else None)
    assert came_of.credited == (brl(credited) if credited else None)
