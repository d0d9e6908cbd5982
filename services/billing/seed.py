"""A catalogue for a new installation, from JSON; running it twice changes nothing."""

from typing import Annotated, Generic, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from chassis.clock import Clock
from chassis.db import Database
from chassis.ids import uuid7
from chassis.money import Money
from contracts.api.billing.fields import CurrencyCode
from services.billing.domain.catalogue import Price, Product, ProductText
from services.billing.domain.periods import Period
from services.billing.settings import Settings
from services.billing.store.products import save_prices, save_product

_Amount = Annotated[str, StringConstraints(pattern=r"^\d{1,12}(\.\d{1,3})?$")]
_Name = Annotated[str, StringConstraints(min_length=1, max_length=100)]
_Description = Annotated[str, StringConstraints(max_length=2000)]

T = TypeVar("T")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Price(_Strict):
    currency: CurrencyCode
    period: Period
    amount: _Amount
    setup_fee: _Amount = "0"


class _Texts(_Strict, Generic[T]):
    """A text in each language; one alone is for all readers."""

    en: T
    pt_br: T | None = Field(default=None, alias="pt-BR")

    @model_validator(mode="before")
    @classmethod
    def spread(cls, value: object) -> object:
        return {"en": value} if isinstance(value, str) else value


class _Product(_Strict):
    slug: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
    name: _Texts[_Name]
    group: _Texts[_Name]
    description: _Texts[_Description]
    prices: Annotated[list[_Price], Field(min_length=1)]


class _Seed(_Strict):
    products: list[_Product]


async def seed(
    db: Database, _clock: Clock, _settings: Settings, data: dict[str, object]
) -> None:
    """Save the products in the order given; services bought before keep their price."""
    wanted = _Seed.model_validate(data).products
    async with db.transaction() as tx:
        for position, product in enumerate(wanted):
            product_id = await save_product(tx, _product(product, position))
            await save_prices(tx, product_id, [_price(p) for p in product.prices])


def _product(wanted: _Product, position: int) -> Product:
    return Product(
        id=uuid7(),
        slug=wanted.slug,
        name=wanted.name.en,
        group=wanted.group.en,
        description=wanted.description.en,
        position=position,
        translations=_translations(wanted),
    )


def _translations(wanted: _Product) -> dict[str, ProductText]:
    """Return the texts in Portuguese, where any of them is: the others stay English."""
    name, group, description = wanted.name, wanted.group, wanted.description
    if not any(texts.pt_br for texts in (name, group, description)):
        return {}
    portuguese = ProductText(
        name=name.pt_br or name.en,
        group=group.pt_br or group.en,
        description=description.pt_br or description.en,
    )
    return {"pt-BR": portuguese}


def _price(wanted: _Price) -> Price:
    return Price(
        wanted.period,
        Money.parse(wanted.amount, wanted.currency),
        Money.parse(wanted.setup_fee, wanted.currency),
    )
