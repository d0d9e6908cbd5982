"""Pricing: one function, so that the cart and the invoice agree to the cent."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import RuleViolated
from chassis.ids import uuid7
from chassis.money import Money
from services.billing.domain.catalogue import (
    PricedItem,
    Wanted,
    price_items,
    total_of,
)
from services.billing.domain.invoices import InvoiceKind, LineKind, draft
from services.billing.domain.orders import bought_service, first_lines
from services.billing.domain.periods import Period
from tests.unit.billing_orders.builders import NOW, a_price, a_product, an_order


@st.composite
def priced_items(draw: st.DrawFn) -> PricedItem:
    minor = st.integers(0, 99_999_999)
    period = draw(st.sampled_from(Period))
    price = a_price(draw(minor), setup=draw(minor), period=period)
    label = draw(st.text(min_size=1, max_size=100))
    return PricedItem(a_product("start", price), price, draw(st.integers(1, 20)), label)


items = st.lists(priced_items(), min_size=1, max_size=20)


@given(items, st.sampled_from(["en", "pt-BR", "de"]))
def test_the_invoice_asks_for_exactly_what_the_order_says(
    bought: Sequence[PricedItem], language: str
) -> None:
    lines = [
        (uuid7(), line)
        for item in bought
        for line in first_lines(item, [uuid7() for _ in range(item.quantity)], language)
    ]
    invoice = draft(
        uuid7(),
        customer_id=uuid7(),
        kind=InvoiceKind.SERVICE,
        currency="BRL",
        lines=lines,
        due_on=NOW.date(),
        now=NOW,
    )
    assert invoice.total == total_of(bought, "BRL")
    assert sum(line.total.minor for line in invoice.lines) == invoice.total.minor
    assert invoice.total == invoice.subtotal + invoice.tax


def test_a_quantity_makes_a_line_for_each_service_and_one_for_setting_up() -> None:
    product = a_product("start", a_price(2990, setup=1000))
    [item] = price_items(
        [Wanted("start", Period.MONTHLY, 3, "shop")], {"start": product}, "BRL"
    )
    ids = [uuid7() for _ in range(3)]
    lines = first_lines(item, ids, "en")
    assert [line.service_id for line in lines] == [*ids, None]
    assert lines[-1].kind is LineKind.SETUP
    assert lines[-1].unit * lines[-1].quantity == Money(3000, "BRL")
    assert item.total == Money(3 * 3990, "BRL")


def test_the_frozen_text_speaks_the_customers_language() -> None:
    item = PricedItem(a_product("start"), a_price(1), 1, "shop.example")
    english, portuguese = (
        first_lines(item, [uuid7()], language)[0].description
        for language in ("en", "pt-BR")
    )
    assert english == "Start (shop.example), one month, from activation"
    assert portuguese == "Start (shop.example), um mês, a partir da ativação"


def test_what_is_bought_once_is_not_charged_again() -> None:
    price = a_price(5000, period=Period.ONE_TIME)
    item = PricedItem(a_product("ssl", price), price, 1, "Ssl")
    service = bought_service(uuid7(), item, an_order(item.total))
    assert service.recurring == Money.zero("BRL")
    [line] = first_lines(item, [service.id], "en")
    assert (line.description, line.unit) == ("Ssl", Money(5000, "BRL"))


@pytest.mark.parametrize(
    ("wanted", "currency", "field"),
    [
        (Wanted("nothing", Period.MONTHLY), "BRL", "items.1.product"),
        (Wanted("start", Period.ANNUAL), "BRL", "items.1.period"),
        (Wanted("start", Period.MONTHLY), "USD", "items.1.period"),
    ],
)
def test_what_is_not_sold_is_refused_by_its_place_in_the_cart(
    wanted: Wanted, currency: str, field: str
) -> None:
    products = {
        "start": a_product("start", a_price(2990)),
        "both": a_product("both", a_price(1), a_price(1, in_="USD")),
    }
    with pytest.raises(RuleViolated) as refused:
        price_items([Wanted("both", Period.MONTHLY), wanted], products, currency)
    assert [error.field for error in refused.value.errors] == [field]
