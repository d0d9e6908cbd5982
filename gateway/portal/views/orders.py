"""Ordering: the catalogue, the choice, and the summary with the exact total."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from http import HTTPStatus
from itertools import groupby

from aiohttp import web

from chassis.http import Page
from chassis.http.policies import customer, public
from contracts.api.billing.catalogue import PriceView, ProductView
from contracts.api.billing.credit import CreditView
from contracts.api.billing.orders import OrderPreviewView, OrderView
from contracts.money import MoneyModel
from gateway.portal.choices import currency_of
from gateway.portal.forms import Form
from gateway.portal.languages import N_, current_language
from gateway.portal.pages import Pages
from gateway.portal.visit import Visit, in_path

pages = Pages()

MAXIMUM_PRODUCTS = 100
_COUNT = re.compile(r"[0-9]{1,9}")
#: Hidden in the page: of which choice it shows the total, and that.
_TOTAL_MARKS = ("shown", "expected.amount", "expected.currency")


@pages.get("/order", policy=public())
async def show_catalogue(visit: Visit) -> web.Response:
    products = await visit.api.get(
        "/products",
        Page[ProductView],
        currency=currency_of(visit),
        language=current_language(),
        limit=MAXIMUM_PRODUCTS,
    )
    shown = [product for product in products.items if product.prices]
    return visit.render("orders/catalogue.html", groups=_grouped(shown), lead=_lead)


@pages.get("/order/{slug}", policy=customer("services"))
async def show_choice(visit: Visit, slug: str) -> web.Response:
    """Show one product to choose of; what is chosen already stands in the query."""
    form = Form({name: [value] for name, value in visit.query.items()})
    return await _choice_page(visit, slug, form)


@pages.post("/order/{slug}", policy=customer("services"))
async def place_order(visit: Visit, slug: str) -> web.Response:
    """Order at the total that the page showed, and lead on to the invoice."""
    form = visit.form
    body = {**_cart(slug, form), **_expected(form)}
    order = await form.send(visit.api.post("/orders", OrderView, body, key=form.key))
    if order is None:
        return await _choice_page(visit, slug, form)
    notice = N_("Thank you for your order. It starts as soon as its invoice is paid.")
    if order.invoice_id is None or not visit.may("billing"):
        return visit.go(f"/services/{order.service_ids[0]}", notice=notice)
    return visit.go(f"/invoices/{order.invoice_id}", notice=notice)


async def _choice_page(visit: Visit, slug: str, form: Form) -> web.Response:
    product, credit = await asyncio.gather(
        visit.api.get(
            f"/products/{in_path(slug)}",
            ProductView,
            currency=currency_of(visit),
            language=current_language(),
        ),
        _credit(visit),
    )
    chosen = _chosen(product, form)
    preview = await _preview(visit, slug, form, chosen)
    return visit.render(
        "orders/choice.html",
        status=form.status,
        product=product,
        form=form,
        chosen=chosen,
        credit=credit,
        preview=preview,
        total_marks=_total_marks(form, chosen, preview),
    )


async def _preview(
    visit: Visit, slug: str, form: Form, chosen: str
) -> OrderPreviewView | None:
    """Return what it would cost; None while something of the choice is refused."""
    is_wrong = form.is_refused and form.status != HTTPStatus.CONFLICT
    if is_wrong or not chosen:
        return None
    cart = _cart(slug, form, period=chosen)
    return await form.send(visit.api.post("/orders/preview", OrderPreviewView, cart))


async def _credit(visit: Visit) -> MoneyModel | None:
    """Return the credit that could pay, if there is any."""
    if not visit.may("billing"):
        return None
    found = await visit.api.get("/credit", CreditView)
    own = [each for each in found.balances if each.currency == currency_of(visit)]
    return next((each for each in own if Decimal(each.amount) > 0), None)


def _cart(slug: str, form: Form, *, period: str = "") -> dict[str, object]:
    """Return the form as an order; a count that is none is refused by the API."""
    typed = form["items.0.quantity"].strip()
    item: dict[str, object] = {
        "product": slug,
        "period": period or form["items.0.period"],
    }
    if typed:
        item["quantity"] = int(typed) if _COUNT.fullmatch(typed) else typed
    if form["items.0.label"].strip():
        item["label"] = form["items.0.label"]
    return {"items": [item], "use_credit": form.has("use_credit")}


def _expected(form: Form) -> dict[str, object]:
    """Return the total that the page showed, if it was of what is chosen now.

    Without scripts a choice may be ordered without having been summed up.
    """
    if form["shown"] != _mark(form, form["items.0.period"]):
        return {}
    return form.body("expected.amount", "expected.currency")


def _total_marks(
    form: Form, chosen: str, preview: OrderPreviewView | None
) -> Mapping[str, str]:
    """Return what the page brings back of the total that it shows.

    Without a total, as it was sent: the answer to an order may be lost, and only the
    same order with the same key is no second one.
    """
    if preview is None:
        sent = _TOTAL_MARKS if form.is_sent else ()
        return {name: form[name] for name in sent if name in form.values}
    total = preview.total
    values = (_mark(form, chosen), total.amount, total.currency)
    return dict(zip(_TOTAL_MARKS, values, strict=True))


def _mark(form: Form, period: str) -> str:
    """Return how the page carries what it shows the total of."""
    return f"{form['items.0.quantity'].strip() or 1} {period}"


def _chosen(product: ProductView, form: Form) -> str:
    """Return the chosen period, or the first that is offered."""
    offered = [price.period for price in product.prices]
    typed = form["items.0.period"]
    return typed if typed in offered else next(iter(offered), "")


def _grouped(products: Sequence[ProductView]) -> list[tuple[str, list[ProductView]]]:
    """Return the products by group, in the catalogue's order."""
    return [
        (name, list(group))
        for name, group in groupby(products, key=lambda product: product.group)
    ]


def _lead(product: ProductView) -> PriceView:
    """Return the price that the catalogue names: of the shortest period."""
    return product.prices[0]
