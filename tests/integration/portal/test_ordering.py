"""Ordering by the form: what the page shows is what is invoiced, once."""

import asyncio
import re
from decimal import Decimal
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.e2e.journey import choose_transfer, confirm, open_invoice
from tests.e2e.stack import Stack
from tests.integration.portal.browsing import Browser, Page
from tests.integration.portal.conftest import Seated

#: Has a set-up fee, and several periods.
PRODUCT = "vps-2"
PATH = f"/order/{PRODUCT}"
SUM = re.compile(r"<dt[^>]*>([^<]*)</dt><dd[^>]*><span[^>]*>([^<]*)</span></dd>")


def sums(page: Page) -> dict[str, Decimal]:
    """Return what the summary says, by its words."""
    part = page.text.partition('<dl class="sums">')[2].partition("</dl>")[0]
    return {
        what.strip(): Decimal(re.sub(r"[^\d.-]", "", amount))
        for what, amount in SUM.findall(part)
    }


def choice(**chosen: str) -> dict[str, str]:
    return {f"items__0__{name}": value for name, value in chosen.items()}


async def summary(seated: Seated, **chosen: str) -> Page:
    """Ask for the summary as the button without scripts does."""
    named = {name.replace("__", "."): value for name, value in choice(**chosen).items()}
    return await seated.browser.get(f"{PATH}?{urlencode(named)}")


async def invoice_of(seated: Seated, answer: Page) -> dict[str, Any]:
    assert answer.status == HTTPStatus.SEE_OTHER, answer.said
    assert answer.location.startswith("/invoices/")
    return await open_invoice(seated.customer, answer.location.rpartition("/")[2])


async def give_credit(stack: Stack, seated: Seated, amount: str) -> None:
    """Let the customer add funds, which finance confirms."""
    api = seated.customer.api
    body = {"amount": {"amount": amount, "currency": "BRL"}, "method": "bank_transfer"}
    made = await api.post("/credit/top-ups", body)
    invoice = await open_invoice(seated.customer, made["id"])
    payment = await choose_transfer(seated.customer, invoice["id"])
    finance = await stack.staff("finance")
    await confirm(finance, payment, amount, f"TOP-{payment['id'][-12:]}")


@pytest.mark.parametrize("period", ["monthly", "quarterly", "annual"])
@pytest.mark.parametrize("quantity", ["", "1", "7", "20"])
async def test_the_total_of_the_page_is_the_invoices_to_the_cent(
    seated: Seated, period: str, quantity: str
) -> None:
    chosen = {"period": period, **({"quantity": quantity} if quantity else {})}
    page = await summary(seated, **chosen)
    shown = sums(page)["Total"]
    answer = await seated.browser.submit(page, PATH, **choice(**chosen))
    invoice = await invoice_of(seated, answer)
    assert Decimal(invoice["total"]["amount"]) == shown > 0


async def test_a_price_that_changed_since_is_shown_before_anything_is_ordered(
    seated: Seated,
) -> None:
    page = await summary(seated, period="monthly", quantity="2")
    total = sums(page)["Total"]
    answer = await seated.browser.submit(page, PATH, expected__amount="1.00")
    assert answer.status == HTTPStatus.CONFLICT
    assert "R$1.00 was shown, and the order comes to" in answer.said
    assert sums(answer)["Total"] == total
    assert answer.form(PATH)["items.0.quantity"] == "2"
    assert (await seated.customer.api.get("/orders"))["items"] == []
    ordered = await seated.browser.submit(answer, PATH)
    invoice = await invoice_of(seated, ordered)
    assert Decimal(invoice["total"]["amount"]) == total


async def test_a_choice_that_was_not_summed_up_is_ordered_at_its_price(
    seated: Seated,
) -> None:
    page = await summary(seated, period="monthly")
    chosen = choice(period="annual", quantity="3")
    answer = await seated.browser.submit(page, PATH, **chosen)
    invoice = await invoice_of(seated, answer)
    shown = sums(await summary(seated, period="annual", quantity="3"))["Total"]
    assert Decimal(invoice["total"]["amount"]) == shown


async def test_the_set_up_fee_is_named(seated: Seated) -> None:
    page = await summary(seated, period="monthly", quantity="3")
    assert "plus set-up, once" in page.said
    assert sums(page)["of that, set-up once for each"] == Decimal("49.00")


async def test_credit_pays_first_where_that_is_wanted(
    stack: Stack, seated: Seated
) -> None:
    await give_credit(stack, seated, "30.00")
    page = await seated.browser.get(f"{PATH}?items.0.period=monthly")
    assert "Use my credit first: R$30.00 available" in page.said
    assert "From your credit" not in sums(page)
    page = await seated.browser.get(f"{PATH}?items.0.period=monthly&use_credit=on")
    shown = sums(page)
    assert shown["From your credit"] == Decimal("30.00")
    assert shown["To be paid"] == shown["Total"] - 30
    answer = await seated.browser.submit(page, PATH)
    invoice = await invoice_of(seated, answer)
    assert Decimal(invoice["remaining"]["amount"]) == shown["To be paid"]


async def test_without_credit_none_is_offered(seated: Seated) -> None:
    page = await seated.browser.get(PATH)
    assert 'type="checkbox" name="use_credit"' not in page.text


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"quantity": "0"}, "quantity"),
        ({"quantity": "21"}, "quantity"),
        ({"quantity": "-1"}, "quantity"),
        ({"quantity": "1.5"}, "quantity"),
        ({"quantity": "two"}, "quantity"),
        ({"quantity": "9" * 5000}, "quantity"),
        ({"quantity": "\u0663"}, "quantity"),
        ({"label": "x" * 101}, "label"),
        ({"label": "two\nlines"}, "label"),
        ({"period": "fortnightly"}, "period"),
        ({"period": "triennial"}, "period"),
        ({"period": ""}, "period"),
    ],
)
async def test_what_is_refused_is_said_beside_its_field_and_all_is_kept(
    seated: Seated, typed: dict[str, str], field: str
) -> None:
    page = await seated.browser.get(PATH)
    chosen = {"period": "quarterly", "quantity": "2", "label": "shop.example", **typed}
    answer = await seated.browser.submit(page, PATH, **choice(**chosen))
    assert answer.status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert answer.fault(f"items.0.{field}")
    form = answer.form(PATH)
    for name, value in chosen.items():
        if name != "period" or field != "period":
            assert form[f"items.0.{name}"] == value
    assert (await seated.customer.api.get("/orders"))["items"] == []


async def test_a_refused_choice_can_be_mended_and_is_ordered_once(
    seated: Seated,
) -> None:
    page = await seated.browser.get(PATH)
    refused = await seated.browser.submit(page, PATH, items__0__quantity="99")
    answers = [
        await seated.browser.submit(refused, PATH, items__0__quantity="2")
        for _ in range(2)
    ]
    assert answers[0].location == answers[1].location
    assert len((await seated.customer.api.get("/orders"))["items"]) == 1


async def test_a_button_pressed_twice_orders_once(seated: Seated) -> None:
    page = await seated.browser.get(PATH)
    answers = await asyncio.gather(
        *(seated.browser.submit(page, PATH) for _ in range(4))
    )
    assert {(each.status, each.location) for each in answers} == {
        (303, answers[0].location)
    }
    assert len((await seated.customer.api.get("/orders"))["items"]) == 1
    assert len((await seated.customer.api.get("/invoices"))["items"]) == 1


async def test_going_back_and_choosing_anew_asks_before_it_orders_again(
    seated: Seated,
) -> None:
    page = await seated.browser.get(PATH)
    await seated.browser.submit(page, PATH)
    again = await seated.browser.submit(page, PATH, items__0__quantity="2")
    assert again.status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "already sent once, with other contents" in again.said
    assert again.form(PATH)["items.0.quantity"] == "2"
    assert len((await seated.customer.api.get("/orders"))["items"]) == 1
    meant = await seated.browser.submit(again, PATH)
    assert meant.status == HTTPStatus.SEE_OTHER
    assert len((await seated.customer.api.get("/orders"))["items"]) == 2


async def test_two_tabs_are_two_orders(seated: Seated) -> None:
    tabs = [await seated.browser.get(PATH) for _ in range(2)]
    answers = [await seated.browser.submit(tab, PATH) for tab in tabs]
    assert answers[0].location != answers[1].location
    assert len((await seated.customer.api.get("/orders"))["items"]) == 2


async def test_a_product_that_is_none_is_nowhere(seated: Seated) -> None:
    for slug in ("none", "..%2F..%2Fcustomers", "%00", "%ff", "x" * 3000):
        page = await seated.browser.get(f"/order/{slug}")
        assert page.status in (HTTPStatus.NOT_FOUND, HTTPStatus.UNPROCESSABLE_ENTITY)
        assert page.headers["Content-Type"].startswith("text/html")


async def test_a_visitor_sees_prices_and_logs_in_to_choose(
    visitor: Browser,
) -> None:
    page = await visitor.get("/order")
    assert f'href="{PATH}"' in page.text
    assert "$" in page.said
    assert (await visitor.get(PATH)).location == "/login?next=%2Forder%2Fvps-2"
