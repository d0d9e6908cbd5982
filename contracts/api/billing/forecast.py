"""The API of the forecast: what services will be charged for."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from chassis.http import Page, PageQuery, View
from contracts.money import MoneyModel


class ForecastQuery(PageQuery):
    """How far to look ahead."""

    months: Annotated[int, Field(ge=1, le=24)] = 12


class ChargeView(View):
    """A period of a service that isn't invoiced yet."""

    due_on: date
    issue_on: date = Field(description="When its invoice will be issued.")
    service_id: UUID
    label: str
    product_name: str
    amount: MoneyModel


class OutlookView(View):
    """In one currency: what the coming charges come to, and if the credit covers it."""

    charges: MoneyModel = Field(description="All of them, also those on other pages.")
    owed: MoneyModel = Field(
        description="What remains of open invoices, which credit pays first."
    )
    credit: MoneyModel
    missing: MoneyModel = Field(description="What the credit doesn't cover.")
    covered: bool


class ForecastView(Page[ChargeView]):
    """Coming charges in date order; what is invoiced already is not among them."""

    until: date = Field(description="The first day that is left out.")
    totals: list[OutlookView] = Field(description="One for each currency.")
