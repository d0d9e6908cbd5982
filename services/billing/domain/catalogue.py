"""What is for sale, and the one function that prices an order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from chassis.errors import RuleViolated
from chassis.money import Money
from services.billing.domain.periods import Period


class ProductNotSold(RuleViolated):
    """There is no such product to order."""


class PriceNotOffered(RuleViolated):
    """The product has no price for this period and currency."""


@dataclass(frozen=True, slots=True)
class Price:
    """What one period of a product costs, and what setting it up costs once."""

    period: Period
    amount: Money
    setup_fee: Money


@dataclass(frozen=True, slots=True)
class ProductText:
    """What a product is called in a language, and what it is."""

    name: str
    group: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """`prices` are those of every currency, or of the one that was asked for.

    The texts are English; `translations` has them in other languages.
    """

    id: UUID
    slug: str
    name: str
    group: str
    description: str
    position: int
    prices: tuple[Price, ...] = ()
    translations: Mapping[str, ProductText] = field(
        default_factory=dict[str, ProductText]
    )

    def in_language(self, language: str) -> "Product":
        """Return the product with its texts in this language, if it has them."""
        text = self.translations.get(language)
        if text is None:
            return self
        return replace(
            self, name=text.name, group=text.group, description=text.description
        )

    def find_price(self, period: Period, currency: str) -> Price | None:
        for price in self.prices:
            if price.period is period and price.amount.currency == currency:
                return price
        return None


@dataclass(frozen=True, slots=True)
class Wanted:
    """One item of a cart, as the customer asks for it."""

    product: str
    period: Period
    quantity: int = 1
    label: str | None = None


@dataclass(frozen=True, slots=True)
class PricedItem:
    """An item of a cart with its price; a quantity of n makes n services."""

    product: Product
    price: Price
    quantity: int
    label: str

    @property
    def total(self) -> Money:
        return (self.price.amount + self.price.setup_fee) * self.quantity


def price_items(
    wanted: Sequence[Wanted], products: Mapping[str, Product], currency: str
) -> list[PricedItem]:
    """Price a cart; the order's total and its invoice's lines both come from here."""
    return [
        _price_item(index, one, products, currency) for index, one in enumerate(wanted)
    ]


def total_of(items: Sequence[PricedItem], currency: str) -> Money:
    """Return what the items cost together."""
    return sum((item.total for item in items), Money.zero(currency))


def _price_item(
    index: int, wanted: Wanted, products: Mapping[str, Product], currency: str
) -> PricedItem:
    product = products.get(wanted.product)
    if product is None:
        raise ProductNotSold(
            "there is no product '{product}'",
            product=wanted.product,
            field=f"items.{index}.product",
        )
    price = product.find_price(wanted.period, currency)
    if price is None:
        raise PriceNotOffered(
            "{product} has no {period} price in {currency}",
            product=product.slug,
            period=wanted.period,
            currency=currency,
            field=f"items.{index}.period",
        )
    label = wanted.label or product.name
    return PricedItem(product, price, wanted.quantity, label)
