"""The catalogue: products and their prices."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Final, LiteralString, TypedDict
from uuid import UUID

from chassis.db import Record, Transaction
from chassis.errors import NotFound
from chassis.money import Money
from services.billing.domain.catalogue import Price, Product, ProductText
from services.billing.domain.periods import Period

#: $1 is the currency whose prices are wanted, or NULL for all.
_PRODUCTS: Final[LiteralString] = """
    SELECT p.id, p.slug, p.name, p.group_name, p.description, p.position,
           p.translations, q.prices
    FROM products p
    CROSS JOIN LATERAL (
        SELECT jsonb_agg(price) AS prices
        FROM (SELECT r.period, r.currency, r.amount_minor, r.setup_fee_minor
              FROM prices r
              WHERE r.product_id = p.id AND ($1::text IS NULL OR r.currency = $1)
              ) price
    ) q
    WHERE p.archived_at IS NULL AND q.prices IS NOT NULL
"""
_ORDER = {period: place for place, period in enumerate(Period)}


class _PriceJson(TypedDict):
    """A price as the query above aggregates it."""

    period: str
    currency: str
    amount_minor: int
    setup_fee_minor: int


async def list_products(
    tx: Transaction,
    currency: str | None,
    *,
    after: tuple[int, str] | None,
    limit: int,
) -> list[Product]:
    """Return what is sold, in the shop's order, from where a page before ended."""
    rows = await tx.fetch(
        _PRODUCTS
        + """
        AND ($2::integer IS NULL OR (p.position, p.slug) > ($2, $3::text))
        ORDER BY p.position, p.slug LIMIT $4
        """,
        currency,
        *(after or (None, None)),
        limit,
    )
    return [_product(row) for row in rows]


async def count_products(tx: Transaction, currency: str | None) -> int:
    return await tx.fetchval(
        """
        SELECT count(DISTINCT p.id) FROM products p JOIN prices r ON r.product_id = p.id
        WHERE p.archived_at IS NULL AND ($1::text IS NULL OR r.currency = $1)
        """,
        currency,
    )


async def get_product(tx: Transaction, slug: str, currency: str | None) -> Product:
    row = await tx.fetchrow(_PRODUCTS + "AND p.slug = $2", currency, slug)
    if row is None:
        raise NotFound
    return _product(row)


async def list_products_called(
    tx: Transaction, slugs: Sequence[str]
) -> dict[str, Product]:
    """Return those of the named products that are sold, by their slugs."""
    rows = await tx.fetch(_PRODUCTS + "AND p.slug = ANY($2)", None, list(slugs))
    return {row["slug"]: _product(row) for row in rows}


async def save_product(tx: Transaction, product: Product) -> UUID:
    """Write a product by its slug; return the id it has."""
    return await tx.fetchval(
        """
        INSERT INTO products AS p (id, slug, name, group_name, description, position,
                                   translations)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (slug) DO UPDATE
        SET name = EXCLUDED.name, group_name = EXCLUDED.group_name,
            description = EXCLUDED.description, position = EXCLUDED.position,
            translations = EXCLUDED.translations,
            archived_at = NULL, version = p.version + 1
        RETURNING id
        """,
        product.id,
        product.slug,
        product.name,
        product.group,
        product.description,
        product.position,
        {language: asdict(text) for language, text in product.translations.items()},
    )


async def save_prices(
    tx: Transaction, product_id: UUID, prices: Sequence[Price]
) -> None:
    """Make these the product's prices; services bought before keep theirs."""
    await tx.execute("DELETE FROM prices WHERE product_id = $1", product_id)
    await tx.executemany(
        """
        INSERT INTO prices (product_id, currency, period, amount_minor,
                            setup_fee_minor)
        VALUES ($1, $2, $3, $4, $5)
        """,
        [
            (
                product_id,
                price.amount.currency,
                price.period,
                price.amount.minor,
                price.setup_fee.minor,
            )
            for price in prices
        ],
    )


def _product(row: Record) -> Product:
    prices = [_price(price) for price in row["prices"]]
    return Product(
        id=row["id"],
        slug=row["slug"],
        name=row["name"],
        group=row["group_name"],
        description=row["description"],
        position=row["position"],
        prices=tuple(sorted(prices, key=_place)),
        translations={
            language: ProductText(**text)
            for language, text in row["translations"].items()
        },
    )


def _price(price: _PriceJson) -> Price:
    currency = price["currency"]
    return Price(
        Period(price["period"]),
        Money(price["amount_minor"], currency),
        Money(price["setup_fee_minor"], currency),
    )


def _place(price: Price) -> tuple[str, int]:
    return price.amount.currency, _ORDER[price.period]
