"""The catalogue's API: what is for sale."""

from pydantic import Field

from chassis.http import PageQuery, Query, View
from contracts.api.billing.fields import CurrencyCode, PeriodName
from contracts.api.fields import Language
from contracts.money import MoneyModel


class ListProducts(PageQuery):
    """Which products to show."""

    currency: CurrencyCode | None = Field(
        default=None, description="Shows prices in this currency only."
    )
    language: Language | None = Field(
        default=None, description="The caller's own, unless named."
    )


class ShowProduct(Query):
    """Which of a product's prices to show."""

    currency: CurrencyCode | None = Field(
        default=None, description="Shows prices in this currency only."
    )
    language: Language | None = Field(
        default=None, description="The caller's own, unless named."
    )


class PriceView(View):
    """What one period costs; `setup_fee` is charged once."""

    period: PeriodName
    amount: MoneyModel
    setup_fee: MoneyModel


class ProductView(View):
    """A product with its prices, in one language."""

    slug: str
    name: str
    group: str
    description: str = Field(description="Markdown source.")
    prices: list[PriceView]
