"""The API of credit: balances, limits, statement, top-ups, and its use on invoices."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from chassis.http import Body, PageQuery, View
from contracts.api.billing.amounts import TypedAmount
from contracts.api.billing.fields import CurrencyCode
from contracts.api.billing.invoices import InvoiceView
from contracts.api.billing.payments import MethodChoice, PaymentView
from contracts.money import MoneyModel

CreditReasonName = Literal["top_up", "overpayment", "applied", "automatic", "freed"]


class CreditLimitsView(View):
    """How much may be added at once in a currency, and held in all."""

    currency: str
    minimum: MoneyModel
    maximum: MoneyModel
    maximum_balance: MoneyModel


class CreditView(View):
    """The caller's credit in each currency, and what may be added."""

    balances: list[MoneyModel]
    limits: list[CreditLimitsView]


class StatementQuery(PageQuery):
    """Which movements to show."""

    currency: CurrencyCode | None = None


class MovementView(View):
    """One change of the credit, its cause, and the balance it led to."""

    at: datetime
    change: MoneyModel
    balance: MoneyModel
    reason: CreditReasonName
    invoice_id: UUID | None
    invoice_number: str | None
    payment_id: UUID | None
    payment_reference: str | None


class OpenTopUp(Body):
    """How much to add; with a method, its payment is started at once."""

    amount: TypedAmount
    method: MethodChoice | None = None


class TopUpView(InvoiceView):
    """The invoice of a top-up, and the payment that was started for it, if one was."""

    payment: PaymentView | None


class ApplyCredit(Body):
    """How much credit is to pay for the invoice."""

    amount: TypedAmount | None = Field(
        default=None, description="As much as there is and remains, unless named."
    )
