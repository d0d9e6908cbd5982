"""Billing's settings, from the environment, and the terms that commands go by."""

from functools import cached_property
from typing import Annotated

from aiohttp import web
from pydantic import (
    BaseModel,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
)

from chassis.money import EXPONENTS, InvalidAmount, Money
from chassis.settings import Currencies, FromJson, ProcessSettings
from contracts.money import Amount
from services.billing.domain.credit import CreditTerms, TopUpLimits
from services.billing.domain.invoices import Party
from services.billing.domain.payments import PaymentTerms
from services.billing.domain.terms import Terms

Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]


class CreditLimits(BaseModel):
    """How much credit may be added at once, and held in all."""

    minimum: Amount = "10.00"
    maximum: Amount = "5000.00"
    maximum_balance: Amount = "10000.00"


class Settings(ProcessSettings):
    """What billing needs to know beside what every process does."""

    company_name: Text
    #: As invoices print it: lines are separated by line breaks or semicolons.
    company_address: Text
    company_tax_id: Text
    #: Where a transfer is to be sent, as customers read it.
    bank_instructions: Text
    #: What the company sells in: `CURRENCIES=BRL,USD`.
    currencies: Currencies = frozenset(("BRL", "USD"))
    invoice_lead_days: int = Field(default=10, ge=0, le=365)
    first_invoice_due_days: int = Field(default=3, ge=0, le=365)
    unpaid_order_days: int = Field(default=14, ge=1, le=365)
    #: By currency, as JSON; currencies that aren't named have the usual limits.
    credit_limits: FromJson[dict[str, CreditLimits]] = Field(
        default_factory=dict[str, CreditLimits]
    )
    #: Whether the due date takes what credit there is, or only all that remains.
    automatic_credit_in_part: bool = True
    #: How many PDFs are made at once, each on a core of its own.
    documents_at_once: int = Field(default=2, ge=1, le=64)

    @field_validator("credit_limits")
    @classmethod
    def check_limits(
        cls, value: dict[str, CreditLimits], told: ValidationInfo
    ) -> dict[str, CreditLimits]:
        unknown = set(value) - EXPONENTS.keys()
        if unknown:
            raise ValueError(f"unknown currencies: {', '.join(sorted(unknown))}")
        for currency in {*value, *told.data.get("currencies", ())}:
            try:
                _limits(value.get(currency, CreditLimits()), currency)
            except InvalidAmount as fault:
                raise ValueError(f"limits in {currency}: {fault}") from None
        return value

    @cached_property
    def terms(self) -> Terms:
        return Terms(
            seller=Party(
                name=self.company_name,
                tax_id=self.company_tax_id,
                address=_lines(self.company_address),
            ),
            invoice_lead_days=self.invoice_lead_days,
            first_invoice_due_days=self.first_invoice_due_days,
            unpaid_order_days=self.unpaid_order_days,
        )

    @cached_property
    def payment_terms(self) -> PaymentTerms:
        return PaymentTerms(dict.fromkeys(self.currencies, self.bank_instructions))

    @cached_property
    def credit_terms(self) -> CreditTerms:
        return CreditTerms(
            {
                currency: _limits(
                    self.credit_limits.get(currency, CreditLimits()), currency
                )
                for currency in sorted(self.currencies)
            },
            in_part=self.automatic_credit_in_part,
        )


SETTINGS: web.AppKey[Settings] = web.AppKey("billing_settings")


def _lines(text: str) -> tuple[str, ...]:
    lines = text.replace(";", "\n").splitlines()
    return tuple(line.strip() for line in lines if line.strip())


def _limits(limits: CreditLimits, currency: str) -> TopUpLimits:
    return TopUpLimits(
        Money.parse(limits.minimum, currency),
        Money.parse(limits.maximum, currency),
        Money.parse(limits.maximum_balance, currency),
    )
