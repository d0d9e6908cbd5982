"""The API of orders and of the services they buy."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from chassis.http import Body, PageQuery, View
from contracts.api.billing.amounts import TypedAmount
from contracts.api.billing.fields import Label, PeriodName, Slug
from contracts.money import MoneyModel

OrderStatusName = Literal["pending", "active", "cancelled"]
ServiceStatusName = Literal["pending", "active", "suspended", "terminated", "cancelled"]


class OrderItem(Body):
    """A product, how it is to be paid, and how many of it."""

    product: Slug = Field(description="A product's slug.")
    period: PeriodName
    quantity: Annotated[int, Field(ge=1, le=20)] = 1
    label: Label | None = Field(
        default=None, description="Your own name for it, such as a domain."
    )


class PreviewOrder(Body):
    """What may be bought, in the customer's currency."""

    items: Annotated[list[OrderItem], Field(min_length=1, max_length=20)]
    use_credit: bool = Field(
        default=False, description="Whether credit pays what it can at once."
    )


class PlaceOrder(PreviewOrder):
    """What is to be bought, in the customer's currency."""

    expected: TypedAmount | None = Field(
        default=None,
        description="The total that the customer was shown: nothing is done if it "
        "would be another.",
    )


class PreviewLineView(View):
    """One item of a cart; `total` is `quantity` pieces, each set up once."""

    description: str
    quantity: int
    unit: MoneyModel = Field(description="What one piece costs for its first period.")
    setup_fee: MoneyModel = Field(description="What setting one piece up costs, once.")
    total: MoneyModel


class OrderPreviewView(View):
    """What an order would ask for, to the cent, if it were placed now."""

    lines: list[PreviewLineView] = Field(description="One for each item, in order.")
    subtotal: MoneyModel
    tax: MoneyModel
    total: MoneyModel
    credit_available: MoneyModel
    credit_used: MoneyModel = Field(description="Nothing, unless `use_credit` is set.")
    remaining: MoneyModel = Field(description="What is left to be paid otherwise.")


class ListOrders(PageQuery):
    """Which orders to show."""

    status: OrderStatusName | None = None


class ListStaffOrders(ListOrders):
    """Which orders to show to staff."""

    customer_id: UUID | None = None


class OrderView(View):
    """An order; it is active once its invoice is paid."""

    id: UUID
    number: int
    status: OrderStatusName
    customer_id: UUID
    invoice_id: UUID | None
    service_ids: list[UUID]
    total: MoneyModel
    placed_on: date
    expires_on: date = Field(description="When it is cancelled if still unpaid.")
    created_at: datetime


class StaffOrderView(OrderView):
    """An order as staff sees it."""

    customer_name: str | None


class ListServices(PageQuery):
    """Which services to show."""

    status: ServiceStatusName | None = None


class ListStaffServices(ListServices):
    """Which services to show to staff."""

    customer_id: UUID | None = None


class ServiceView(View):
    """What a customer bought; the expiry, `next_due_on`, is the end of `paid_until`."""

    id: UUID
    customer_id: UUID
    order_id: UUID
    product: str = Field(description="The product's slug.")
    product_name: str
    label: str
    status: ServiceStatusName
    period: PeriodName
    recurring_amount: MoneyModel
    activated_on: date | None
    paid_until: date | None
    next_due_on: date | None
    cancel_on: date | None
    reason: str | None = Field(description="Why it is in this status, if there is one.")
    created_at: datetime


class StaffServiceView(ServiceView):
    """A service as staff sees it."""

    customer_name: str | None
