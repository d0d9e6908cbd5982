"""The API of invoices."""

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from chassis.http import PageQuery, View
from contracts.api.billing.fields import Several
from contracts.api.fields import Search
from contracts.money import MoneyModel

InvoiceStatusName = Literal["draft", "open", "paid", "void", "uncollectible"]


class ListInvoices(PageQuery):
    """Which invoices to show."""

    status: Several[InvoiceStatusName] | None = Field(
        default=None, description="One, or several with commas between them."
    )


class ListStaffInvoices(ListInvoices):
    """Which invoices to show to staff."""

    customer_id: UUID | None = None
    q: Search | None = Field(default=None, description="An invoice's number.")


class InvoiceLineView(View):
    """One charge. A first line has no dates until its service is active."""

    description: str
    service_id: UUID | None
    quantity: int
    unit: MoneyModel
    period_start: date | None
    period_end: date | None = Field(description="The day after the last one paid for.")
    tax: MoneyModel
    total: MoneyModel


class PartyView(View):
    """A buyer or seller, as they were when the invoice was issued."""

    name: str
    company: str | None
    tax_id: str | None
    email: str | None
    country: str | None
    address: list[str]


class InvoiceView(View):
    """An invoice; a draft has no number yet, and waits for its buyer's details."""

    id: UUID
    number: str | None = Field(examples=["2026-000123"])
    kind: Literal["service", "top_up"]
    status: InvoiceStatusName
    customer_id: UUID
    order_id: UUID | None = Field(description="The order whose first invoice it is.")
    issued_on: date | None
    due_on: date
    overdue: bool = Field(
        description="Whether it is open though its due date is past, in the company's "
        "time zone."
    )
    paid_on: date | None
    lines: list[InvoiceLineView]
    subtotal: MoneyModel
    tax: MoneyModel
    total: MoneyModel
    paid: MoneyModel
    credit_applied: MoneyModel = Field(description="How much of `paid` credit paid.")
    remaining: MoneyModel
    payment_methods: list[str] = Field(
        description="What it can be paid with; nothing unless it is open."
    )
    buyer: PartyView | None
    seller: PartyView | None
    created_at: datetime


class StaffInvoiceView(InvoiceView):
    """An invoice as staff sees it."""

    customer_name: str | None


class OutstandingView(View):
    """What remains of all open invoices, by currency; drafts don't count."""

    totals: list[MoneyModel]
    invoices: int
