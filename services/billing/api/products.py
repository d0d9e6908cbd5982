"""The routes of the catalogue, open to everybody."""

from chassis.http import Call, Page, Routes, decode_cursor, encode_cursor, public
from contracts.api.billing.catalogue import ListProducts, ProductView, ShowProduct
from contracts.api.fields import Language
from contracts.languages import preferred_language
from services.billing.api.views import view_product
from services.billing.store import products as store

routes = Routes(tag="products")


@routes.get("/products", policy=public())
async def list_products(call: Call, query: ListProducts) -> Page[ProductView]:
    """List what is for sale, in the shop's order.

    `language` says which one to answer in, or else the token or Accept-Language does.
    """
    after = decode_cursor(query.cursor, int, str)
    async with call.reading() as tx:
        found = await store.list_products(
            tx, query.currency, after=after, limit=query.limit + 1
        )
        total = await query.total(
            found, lambda: store.count_products(tx, query.currency)
        )
    shown = found[: query.limit]
    more = len(found) > query.limit
    language = _language(call, query.language)
    return Page[ProductView](
        items=[view_product(product.in_language(language)) for product in shown],
        next=encode_cursor(shown[-1].position, shown[-1].slug) if more else None,
        total=total,
    )


@routes.get("/products/{slug}", policy=public())
async def show_product(call: Call, slug: str, query: ShowProduct) -> ProductView:
    """Show one product."""
    async with call.reading() as tx:
        product = await store.get_product(tx, slug, query.currency)
    return view_product(product.in_language(_language(call, query.language)))


def _language(call: Call, wanted: Language | None) -> str:
    """Return the wanted language, or else the caller's, or what their browser likes."""
    if wanted or call.caller:
        return wanted or call.principal.locale
    return preferred_language(call.request.headers.get("Accept-Language", ""))
