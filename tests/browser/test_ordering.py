"""Ordering in a browser: the total follows the choice, and is the invoice's."""

import re
from decimal import Decimal

import pytest
from playwright.async_api import Page, expect

from tests.browser.portal import People
from tests.e2e.client import new_email
from tests.e2e.journey import PASSWORD, open_invoice


async def total_of(page: Page) -> Decimal:
    shown = await page.locator("#order-total").inner_text()
    return Decimal(re.sub(r"[^\d.]", "", shown))


async def choose(page: Page, period: str, quantity: str) -> None:
    await page.locator("label", has_text=period).click()
    await page.get_by_label("How many").fill(quantity)
    await page.get_by_label("How many").blur()


@pytest.mark.parametrize("javascript", [True, False], ids=["scripts", "no scripts"])
async def test_the_total_that_is_shown_is_the_one_that_is_invoiced(
    people: People, *, javascript: bool
) -> None:
    page, customer = await people.new_customer(javascript=javascript)
    await page.goto("/order/vps-2")
    before = await total_of(page)
    await choose(page, "Quarterly", "3")
    if not javascript:
        await page.get_by_role("button", name="Update the total").click()
    await expect(page.locator("#summary")).to_contain_text("\u00d7 3")
    shown = await total_of(page)
    assert shown > before
    await page.get_by_role("button", name="Order now").click()
    await page.wait_for_url("**/invoices/*")
    invoice = await open_invoice(customer, page.url.rpartition("/")[2])
    assert Decimal(invoice["total"]["amount"]) == shown


async def test_what_is_still_being_done_is_asked_for_again_by_itself(
    people: People,
) -> None:
    page, customer = await people.new_customer()
    people.watch.allow(409)
    await page.goto("/order/vps-2")
    form = 'data-once="" action="/order/vps-2"'
    shown = await page.content()
    assert form in shown
    waiting = shown.replace(form, f"{form} data-look-again")
    # The first time that it is sent, the page that waits is the answer.
    await page.route(
        "**/order/vps-2",
        lambda route: route.fulfill(
            status=409, content_type="text/html; charset=utf-8", body=waiting
        ),
        times=1,
    )
    await page.get_by_role("button", name="Order now").click()
    await page.wait_for_url("**/invoices/*")
    assert len((await customer.api.get("/orders"))["items"]) == 1


async def test_of_quick_changes_the_last_one_counts(people: People) -> None:
    page, _ = await people.new_customer()
    await page.goto("/order/vps-2")
    for period, quantity in (("Quarterly", "2"), ("Annual", "3"), ("Monthly", "4")):
        await choose(page, period, quantity)
    await expect(page.locator("#summary")).to_contain_text("one month")
    await expect(page.locator("#summary")).to_contain_text("\u00d7 4")


async def test_a_refused_count_is_said_at_once_and_mended_at_once(
    people: People,
) -> None:
    page, _ = await people.new_customer()
    people.watch.allow(422)
    await page.goto("/order/vps-2")
    await choose(page, "Annual", "99")
    await expect(page.locator("#summary")).to_contain_text("at most 20")
    await choose(page, "Annual", "2")
    await expect(page.locator("#summary")).to_contain_text("\u00d7 2")
    await expect(page.get_by_label("Annual")).to_be_checked()


async def test_a_button_pressed_twice_orders_once(people: People) -> None:
    page, customer = await people.new_customer()
    await page.goto("/order/vps-2")
    await page.get_by_role("button", name="Order now").dblclick()
    await page.wait_for_url("**/invoices/*")
    await page.reload()
    await page.go_back()
    assert len((await customer.api.get("/orders"))["items"]) == 1


async def test_whoever_goes_back_and_presses_again_gets_the_same_order(
    people: People,
) -> None:
    page, customer = await people.new_customer()
    await page.goto("/order/vps-2")
    await page.get_by_role("button", name="Order now").click()
    await page.wait_for_url("**/invoices/*")
    invoice = page.url
    await page.go_back()
    await page.get_by_role("button", name="Order now").click()
    await page.wait_for_url(invoice)
    assert len((await customer.api.get("/orders"))["items"]) == 1


async def test_a_visitor_finds_a_product_signs_up_on_a_phone_and_orders_it(
    people: People,
) -> None:
    page = await people.visitor(phone=True, language="pt-BR")
    await page.goto("/order")
    await page.get_by_role("link", name="Escolher VPS 2").click()
    await page.wait_for_url("**/login?next=*")
    await page.locator("main").get_by_role("link", name="Criar conta").click()
    await page.get_by_label("Nome completo").fill("Ana Souza")
    await page.get_by_label("E-mail").fill(new_email())
    await page.get_by_label("Senha").fill(PASSWORD)
    await page.get_by_role("button", name="Criar a minha conta").click()
    await page.wait_for_url("**/order/vps-2")
    await page.get_by_role("button", name="Contratar agora").click()
    await page.wait_for_url("**/invoices/*")
    await expect(page.get_by_text("Obrigado")).to_be_visible()
