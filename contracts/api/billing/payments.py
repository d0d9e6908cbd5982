"""The API of payments: methods, attempts, and what finance confirms."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, RootModel, StringConstraints

from chassis.http import Body, PageQuery, Query, View
from contracts.api.billing.amounts import TypedAmount
from contracts.api.billing.fields import BankText, CurrencyCode, Several
from contracts.api.billing.invoices import InvoiceView
from contracts.api.fields import DISTINCT, Search
from contracts.money import MoneyModel

PaymentMethodName = Literal[
    "card", "paypal", "boleto", "pix", "bank_transfer", "deposit"
]
PaymentStatusName = Literal[
    "requires_action",
    "clearing",
    "awaiting_confirmation",
    "succeeded",
    "failed",
    "cancelled",
    "expired",
    "refunded",
]
MAXIMUM_INVOICES = 50

InvoiceIds = Annotated[
    tuple[UUID, ...], Field(min_length=1, max_length=MAXIMUM_INVOICES), DISTINCT
]
#: Not an enum: a refusal names the methods that are offered, which depend.
MethodChoice = Annotated[
    str,
    StringConstraints(min_length=1, max_length=40),
    Field(description="One that `GET /payment-methods` offers."),
]


class PaymentMethodsQuery(Query):
    """In which currency something is to be paid."""

    currency: CurrencyCode | None = Field(
        default=None, description="The caller's own, unless named."
    )


class PaymentMethodView(View):
    """A way to pay; `by_hand`: finance confirms it after a ticket with the proof."""

    method: PaymentMethodName
    by_hand: bool


class PaymentMethodsView(View):
    """The methods that are offered in a currency."""

    currency: str
    items: list[PaymentMethodView]


class PreviewPayment(Body):
    """Which invoices to pay at once, all that remains of them."""

    invoice_ids: InvoiceIds
    use_credit: bool = Field(
        default=False,
        description="Whether credit first pays what it can, the oldest due first.",
    )


class StartPayment(PreviewPayment):
    """Which invoices to pay at once, all that remains of them, and how."""

    method: MethodChoice | None = Field(
        default=None, description="Needed unless credit is used and covers it all."
    )
    expected: TypedAmount | None = Field(
        default=None,
        description="What the customer was shown that the method will charge: nothing "
        "is done if it would be another sum. Zero where credit covers it all.",
    )
    return_url: (
        Annotated[str, StringConstraints(pattern=r"^https?://", max_length=2000)] | None
    ) = Field(
        default=None, description="Where a method that leads elsewhere returns to."
    )


class PaymentPreviewView(View):
    """What paying some invoices would take from credit, and what is left to charge."""

    total: MoneyModel = Field(description="What remains of the invoices together.")
    credit_available: MoneyModel = Field(
        description="The balance; nothing where only credit itself is to be paid."
    )
    credit_used: MoneyModel = Field(description="Nothing, unless `use_credit` is set.")
    remaining: MoneyModel = Field(description="What a method is to be charged with.")
    methods: list[PaymentMethodView] = Field(
        description="The methods that are offered for it."
    )


class NextActionView(View):
    """What the customer is to do next."""

    type: Literal["show_instructions"]
    url: str | None = None
    instructions: str | None = None
    reference: str | None = None


class PaymentShareView(View):
    """What a payment asks for one invoice, and what it has paid of it."""

    invoice_id: UUID
    amount: MoneyModel
    paid: MoneyModel


class PaymentView(View):
    """An attempt to pay; `received` may differ from the `amount` that was asked for."""

    id: UUID
    status: PaymentStatusName
    method: PaymentMethodName
    amount: MoneyModel
    received: MoneyModel | None
    reference: str
    invoices: list[PaymentShareView]
    next_action: NextActionView | None = Field(
        description="Only while something is to be done."
    )
    created_at: datetime
    succeeded_at: datetime | None


class PaymentWithCreditView(View):
    """What became of a payment that was to use credit; no payment: credit paid all."""

    payment: PaymentView | None = Field(description="The payment of what is left.")
    credit_used: MoneyModel
    invoices: list[InvoiceView] = Field(
        description="All of them as they are now, the oldest due first."
    )


class StartedPaymentView(RootModel[PaymentView | PaymentWithCreditView]):
    """The payment; with `use_credit`, what credit has paid and the payment, if any."""

    @property
    def payment(self) -> PaymentView | None:
        """The payment that was begun; None where credit covered all."""
        return self.root if isinstance(self.root, PaymentView) else self.root.payment


class StaffPaymentView(PaymentView):
    """A payment as staff sees it."""

    customer_id: UUID
    customer_name: str | None
    bank_account: str | None
    bank_reference: str | None
    ticket_id: UUID | None
    confirmed_by: UUID | None


class ListPayments(PageQuery):
    """Which payments to show."""

    status: Several[PaymentStatusName] | None = Field(
        default=None, description="One, or several with commas between them."
    )
    invoice_id: UUID | None = Field(
        default=None, description="Those that were meant for this invoice."
    )


class ListStaffPayments(ListPayments):
    """Which payments to show to staff."""

    customer_id: UUID | None = None
    q: Search | None = Field(default=None, description="A reference, or its beginning.")


class ConfirmPayment(Body):
    """What the bank's statement says."""

    amount: TypedAmount = Field(description="What was received, whatever was asked.")
    bank_reference: BankText = Field(
        description="The bank's own; each confirms one payment per bank account."
    )
    bank_account: BankText = "main"
    ticket_id: UUID | None = Field(
        default=None, description="The ticket that carries the proof."
    )


class VoidInvoice(Body):
    """Why an invoice is not owed."""

    reason: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)
    ]
