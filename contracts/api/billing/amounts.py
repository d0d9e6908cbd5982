"""Amounts that people type: read late, so that a refusal names the limits in force."""

from typing import Annotated

from pydantic import Field, StringConstraints

from chassis.http import Body
from contracts.api.billing.fields import CurrencyCode


class TypedAmount(Body):
    """Money as `{"amount": "49.90", "currency": "BRL"}`."""

    amount: Annotated[str, StringConstraints(min_length=1, max_length=40)] = Field(
        description="A decimal number without sign, with the currency's decimals.",
        examples=["49.90"],
    )
    currency: CurrencyCode = Field(examples=["BRL"])
