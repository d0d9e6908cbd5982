"""Paying in a browser: what is asked for is what was shown, and it happens once."""

import asyncio
import re
from decimal import Decimal
from uuid import uuid4

import pytest
from playwright.async_api import Page, expect

from tests.browser.portal import Language, Login, People
from tests.e2e.client import Json
from tests.e2e.journey import (
    PASSWORD,
    Customer,
    confirm,
    open_invoice,
    order,
)

PAY = re.compile("^Pay ")
DIFFERENT_CURRENCIES = (
    "What you ticked is in different currencies. Please choose invoices in one "
    "currency, and pay the others after."
)
#: Puts another id into the form and sends it at once.
PAY_ANOTHERS = """(box, id) => {
  box.value = id;
  box.form.querySelector("[name=shown]").value = `credit ${id}`;
  box.form.querySelector("[name=method]").checked = true;
  box.form.querySelector("[value=pay]").click();
}"""


async def invoice_of(customer: Customer) -> Json:
    """Return an open invoice, of a new order."""
    placed = await order(customer)
    return await open_invoice(customer, placed["invoice_id"])


async def give_credit(people: People, customer: Customer, amount: str) -> None:
    """Let the customer add funds, and finance confirm them."""
    funds = {"amount": amount, "currency": "BRL"}
    body = {"amount": funds, "method": "bank_transfer"}
    top_up = await customer.api.post("/credit/top-ups", body)
    await receive(people, top_up["payment"], amount)


async def receive(people: People, payment: Json, amount: str) -> None:
    finance = await people.portal.stack.staff("finance")
    await confirm(finance, payment, amount, f"BANK-{uuid4().hex[:12]}")


async def payments_of(customer: Customer) -> list[Json]:
    found = await customer.api.get("/payments")
    return found["items"]


def money(amount: Decimal) -> str:
    return f"R${amount:,.2f}"


async def choose_transfer(page: Page) -> None:
    await page.get_by_role("radio", name="Bank transfer").check()


@pytest.mark.parametrize("javascript", [True, False], ids=["scripted", "plain"])
async def test_a_double_click_makes_one_payment_and_shows_its_reference(
    people: People, *, javascript: bool
) -> None:
    page, customer = await people.new_customer(javascript=javascript)
    invoice = await invoice_of(customer)
    await page.goto(f"/invoices/{invoice['id']}")
    await choose_transfer(page)
    await page.get_by_role("button", name=PAY).dblclick(no_wait_after=True)
    await page.wait_for_url("**/payments/*")
    [payment] = await payments_of(customer)
    await expect(page.locator("#reference")).to_have_text(payment["reference"])
    await expect(page.locator(".instructions")).to_contain_text(payment["reference"])
    assert payment["amount"] == invoice["remaining"]
    assert payment["status"] == "awaiting_confirmation"


async def test_credit_pays_first_and_exactly_the_rest_is_asked_for(
    people: People,
) -> None:
    page, customer = await people.new_customer()
    invoice = await invoice_of(customer)
    total = Decimal(invoice["total"]["amount"])
    await give_credit(people, customer, "12.34")
    await page.goto("/invoices")
    to_pay = page.locator("#to-pay")
    await expect(to_pay).to_have_text(money(total - Decimal("12.34")))
    await page.get_by_label("Use my credit first").uncheck()
    await expect(to_pay).to_have_text(money(total))
    await page.get_by_label("Use my credit first").check()
    await expect(to_pay).to_have_text(money(total - Decimal("12.34")))
    await choose_transfer(page)
    await page.get_by_role("button", name=PAY).click()
    await page.wait_for_url("**/payments/*")
    [payment, _] = await payments_of(customer)
    assert payment["amount"]["amount"] == str(total - Decimal("12.34"))
    paid = await customer.api.get(f"/invoices/{invoice['id']}")
    assert paid["credit_applied"]["amount"] == "12.34"


async def test_credit_that_covers_all_needs_no_method(people: People) -> None:
    page, customer = await people.new_customer()
    invoice = await invoice_of(customer)
    await give_credit(people, customer, "100.00")
    await page.goto(f"/invoices/{invoice['id']}")
    await expect(page.get_by_role("radio")).to_have_count(0)
    await page.get_by_role("button", name="Pay with credit").click()
    await expect(page.get_by_role("status")).to_contain_text(["Paid with your credit."])
    await expect(page.get_by_text("This invoice is paid")).to_be_visible()
    await page.goto("/credit")
    await expect(page.get_by_role("row")).to_have_count(3)
    await expect(page.get_by_text(f"Invoice {invoice['number']}")).to_be_visible()


async def test_what_was_ticked_is_paid_at_once_and_only_for_the_sum_that_was_shown(
    people: People,
) -> None:
    page, customer = await people.new_customer(javascript=False)
    invoices = [await invoice_of(customer) for _ in range(3)]
    await page.goto("/invoices")
    await page.get_by_label(f"Invoice {invoices[0]['number']}").uncheck()
    await choose_transfer(page)
    people.watch.allow(422)
    await page.get_by_role("button", name=PAY).click()
    await expect(page.get_by_role("alert")).to_contain_text("The sum has changed")
    assert await payments_of(customer) == []
    amounts = (Decimal(each["remaining"]["amount"]) for each in invoices[1:])
    rest = sum(amounts, Decimal(0))
    await expect(page.locator("#to-pay")).to_have_text(money(rest))
    await page.get_by_role("button", name=PAY).click()
    await page.wait_for_url("**/payments/*")
    [payment] = await payments_of(customer)
    assert {share["invoice_id"] for share in payment["invoices"]} == {
        each["id"] for each in invoices[1:]
    }
    assert Decimal(payment["amount"]["amount"]) == rest


async def test_an_invoice_that_was_paid_meanwhile_is_not_paid_from_another_tab(
    people: People,
) -> None:
    page, customer = await people.new_customer(javascript=False)
    invoice = await invoice_of(customer)
    other = await people.logged_in(Login(customer.email, PASSWORD))
    for tab in (page, other):
        await tab.goto("/invoices")
        await choose_transfer(tab)
    await other.get_by_role("button", name=PAY).click()
    await other.wait_for_url("**/payments/*")
    [payment] = await payments_of(customer)
    await receive(people, payment, payment["amount"]["amount"])
    people.watch.allow(409)
    await page.get_by_role("button", name=PAY).click()
    alert = page.get_by_role("alert")
    await expect(alert).to_contain_text(f"invoice {invoice['number']} is paid")
    assert len(await payments_of(customer)) == 1


async def test_the_open_page_says_received_once_finance_has_confirmed(
    people: People,
) -> None:
    page, customer = await people.new_customer()
    invoice = await invoice_of(customer)
    await page.goto(f"/invoices/{invoice['id']}")
    invoice_page = await page.context.new_page()
    await invoice_page.goto(f"/invoices/{invoice['id']}")
    await choose_transfer(page)
    await page.get_by_role("button", name=PAY).click()
    await page.wait_for_url("**/payments/*")
    await page.evaluate("window.stillTheSame = true")
    [payment] = await payments_of(customer)
    await receive(people, payment, payment["amount"]["amount"])
    await expect(page.get_by_text("Thank you!")).to_be_visible()
    await expect(page.locator("#payment .status").first).to_have_text("Received")
    assert await page.evaluate("window.stillTheSame")
    await expect(invoice_page.get_by_text("This invoice is paid")).to_be_visible()


async def test_funds_are_asked_for_within_limits_and_lead_to_their_instructions(
    people: People,
) -> None:
    page, customer = await people.new_customer()
    people.watch.allow(422)
    amount = page.get_by_label("Amount in BRL")
    await page.goto("/add-funds")
    await choose_transfer(page)
    for refused in ("0", "-50", "NaN", "50.001", "9.99", "5000.01"):
        await amount.fill(refused)
        await page.get_by_role("main").get_by_role("button", name="Add Funds").click()
        fault = page.locator("[id='amount.amount-fault']")
        await expect(fault).to_contain_text("R$10.00 to R$5,000.00")
        await expect(amount).to_have_value(refused)
        await expect(page.get_by_role("radio", name="Bank transfer")).to_be_checked()
    assert await payments_of(customer) == []
    await amount.fill("50")
    await page.get_by_role("main").get_by_role("button", name="Add Funds").click()
    await page.wait_for_url("**/payments/*")
    await expect(page.locator(".instructions")).to_contain_text("R$50.00")
    assert (await customer.api.get("/credit"))["balances"][0]["amount"] == "0.00"


async def test_a_brazilian_types_amounts_as_at_home(people: People) -> None:
    page, customer = await people.new_customer(language="pt-BR")
    await page.goto("/add-funds")
    await page.get_by_role("radio", name="Depósito").check()
    await page.get_by_label("Valor em BRL").fill("1.234,50")
    main = page.get_by_role("main")
    await main.get_by_role("button", name="Adicionar fundos").click()
    await page.wait_for_url("**/payments/*")
    [payment] = await payments_of(customer)
    assert payment["amount"] == {"amount": "1234.50", "currency": "BRL"}


async def test_nobody_pays_or_sees_what_is_anothers(people: People) -> None:
    page, customer = await people.new_customer()
    _, stranger = await people.new_customer()
    await invoice_of(customer)
    foreign = await invoice_of(stranger)
    theirs = await stranger.api.post(
        "/payments", {"invoice_ids": [foreign["id"]], "method": "deposit"}
    )
    people.watch.allow(404)
    await page.goto("/invoices")
    box = page.locator("input[name=invoice]")
    await box.evaluate(PAY_ANOTHERS, foreign["id"])
    await expect(page.get_by_role("alert")).to_contain_text("There is no such thing")
    for path in (f"/invoices/{foreign['id']}", f"/payments/{theirs['id']}"):
        for address in (path, f"{path}/pdf"):
            answer = await page.goto(address)
            assert answer is not None
            assert answer.status == 404
    assert len(await payments_of(stranger)) == 1


async def test_an_invoice_comes_as_pdf(people: People) -> None:
    page, customer = await people.new_customer()
    invoice = await invoice_of(customer)
    await page.goto(f"/invoices/{invoice['id']}")
    async with page.expect_download() as waiting:
        await page.get_by_role("link", name="PDF").click()
    download = await waiting.value
    assert download.suggested_filename == f"{invoice['number']}.pdf"
    content = await asyncio.to_thread((await download.path()).read_bytes)
    assert content.startswith(b"%PDF")


async def test_currencies_are_paid_one_at_a_time(people: People) -> None:
    page, customer = await people.new_customer(javascript=False)
    await invoice_of(customer)
    dollars = {"amount": "20.00", "currency": "USD"}
    await customer.api.post("/credit/top-ups", {"amount": dollars})
    await page.goto("/invoices")
    await expect(page.locator("[data-outstanding]")).to_have_count(2)
    for box in await page.locator("input[name=invoice]").all():
        await box.check()
    await choose_transfer(page)
    people.watch.allow(422)
    await page.get_by_role("button", name=PAY).click()
    await expect(page.get_by_role("alert")).to_have_text(DIFFERENT_CURRENCIES)
    await expect(page.get_by_role("button", name=PAY)).to_have_count(0)
    assert await payments_of(customer) == []


async def test_credit_that_was_used_can_be_taken_back(people: People) -> None:
    page, customer = await people.new_customer()
    invoice = await invoice_of(customer)
    await give_credit(people, customer, "10.00")
    await customer.api.post(f"/invoices/{invoice['id']}/credit", {})
    await page.goto(f"/invoices/{invoice['id']}")
    await page.get_by_role("button", name="Take the credit back").click()
    await expect(page.get_by_label("Use my credit first")).to_be_checked()
    assert (await customer.api.get("/credit"))["balances"][0]["amount"] == "10.00"


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en-US", "The sum has changed: R$10.00 was shown"),
        ("pt-BR", "O valor mudou: mostramos R$\u00a010,00"),
    ],
)
async def test_credit_that_was_spent_meanwhile_is_told_and_the_new_sum_is_paid(
    people: People, language: Language, told: str
) -> None:
    page, customer = await people.new_customer(language=language, javascript=False)
    invoice, other = [await invoice_of(customer) for _ in range(2)]
    total = Decimal(invoice["total"]["amount"])
    await give_credit(people, customer, str(total - 10))
    await page.goto(f"/invoices/{invoice['id']}")
    # In another tab, the credit goes to something else.
    await customer.api.post(f"/invoices/{other['id']}/credit", {})
    people.watch.allow(409)
    await page.locator("[value=bank_transfer]").check()
    await page.locator("[value=pay]").click()
    await expect(page.get_by_role("alert")).to_contain_text(told)
    assert len(await payments_of(customer)) == 1  # the top-up's
    # Nothing is lost, and the page shows the new sum.
    await expect(page.locator("[value=bank_transfer]")).to_be_checked()
    await page.locator("[value=pay]").click()
    await page.wait_for_url("**/payments/*")
    payment = (await payments_of(customer))[0]
    assert payment["amount"] == invoice["remaining"]
