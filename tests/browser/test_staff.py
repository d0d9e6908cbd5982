"""The staff console: money is confirmed once, days are run, and everything agrees."""

from collections.abc import AsyncGenerator
from datetime import date, timedelta
from uuid import uuid4

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.browser.portal import People, Portal
from tests.e2e.client import Api, Json, until
from tests.e2e.journey import (
    Customer,
    buy,
    choose_transfer,
    open_invoice,
    order,
    register,
    send_proof,
)

HOSTILE = "<script>alert(1)</script> {{ 7*7 }}"
#: No other service is due on the day on which one bought then is.
AHEAD = timedelta(days=3)
NOTICE = timedelta(days=10)


async def owing(portal: Portal) -> tuple[Customer, Json, Json]:
    """Return a new customer, an open invoice, and the transfer begun for it."""
    customer = await register(portal.api)
    placed = await order(customer)
    invoice = await open_invoice(customer, placed["invoice_id"])
    return customer, invoice, await choose_transfer(customer, invoice["id"])


def reference() -> str:
    return f"E2E-{uuid4().hex[:12]}"


async def confirm(page: Page, payment: Json, bank_reference: str, **typed: str) -> None:
    """Say on the payment's page that its money has arrived."""
    await page.goto(f"/staff/payments/{payment['id']}")
    for name, value in typed.items():
        await page.locator(f"[id='amount.{name}']").fill(value)
    await page.fill("#bank_reference", bank_reference)
    # Twice, as impatient people do.
    await page.get_by_role("button", name="Confirm the payment").dblclick()
    await page.wait_for_load_state()


async def test_a_transfer_is_confirmed_from_the_list_to_its_closed_ticket(
    people: People,
) -> None:
    page = await people.staff("finance")
    await page.goto("/staff/payments")
    customer, invoice, payment = await owing(people.portal)
    ticket = await send_proof(customer, invoice["id"])
    row = page.locator("tr", has_text=payment["reference"])
    await expect(row).to_contain_text(ticket["protocol"])

    await row.get_by_role("link", name=payment["reference"]).click()
    amount = page.locator("[id='amount.amount']")
    await expect(amount).to_have_value(invoice["remaining"]["amount"])
    await expect(page.locator("#ticket_id")).to_have_value(ticket["id"])
    used = reference()
    await confirm(page, payment, used)
    await expect(page.locator("#came-of")).to_contain_text("pays all")
    await expect(page.locator("main")).to_contain_text("paid until")

    paid = await customer.api.get(f"/invoices/{invoice['id']}")
    service = await customer.api.get(f"/services/{paid['lines'][0]['service_id']}")
    assert (paid["status"], service["status"]) == ("paid", "active")
    await until(lambda: closed(customer.api, ticket), what="the ticket is closed")
    await expect(page.locator("#payment")).to_contain_text("Closed")

    people.watch.allow(409)
    _, _, other = await owing(people.portal)
    await confirm(page, other, used, amount="12.34")
    fault = page.locator("#bank_reference-fault")
    await expect(fault).to_contain_text("already confirmed another payment")
    await expect(amount).to_have_value("12.34")


async def closed(api: Api, ticket: Json) -> bool:
    found = await api.get(f"/tickets/{ticket['id']}")
    return found["status"] == "closed"


async def test_a_short_amount_leaves_the_rest_open(people: People) -> None:
    page = await people.staff("finance")
    customer, invoice, payment = await owing(people.portal)
    await confirm(page, payment, reference(), amount="10")
    await expect(page.locator("#came-of")).to_contain_text("stays open")
    left = await customer.api.get(f"/invoices/{invoice['id']}")
    assert left["status"] == "open"
    await expect(page.locator("#outcome")).to_contain_text(left["remaining"]["amount"])


async def test_too_much_becomes_credit_also_as_brazilians_type_it(
    people: People,
) -> None:
    page = await people.staff("finance", language="pt-BR")
    customer, invoice, payment = await owing(people.portal)
    await page.goto(f"/staff/payments/{payment['id']}")
    await page.locator("[id='amount.amount']").fill("1.000,50")
    await page.fill("#bank_reference", reference())
    await page.get_by_role("button", name="Confirmar o pagamento").click()
    await expect(page.locator("#came-of")).to_contain_text("crédito do cliente")
    [balance] = (await customer.api.get("/credit"))["balances"]
    credited = 1000.50 - float(invoice["remaining"]["amount"])
    assert float(balance["amount"]) == pytest.approx(credited)


async def test_support_finds_no_way_to_confirm_or_to_void(people: People) -> None:
    page = await people.staff("support")
    _, invoice, payment = await owing(people.portal)
    await page.goto(f"/staff/invoices/{invoice['id']}")
    await expect(page.locator("main")).to_contain_text(invoice["number"])
    await expect(page.get_by_text("Void")).to_have_count(0)
    await expect(page.get_by_role("link", name="Payments")).to_have_count(0)
    for path in (f"payments/{payment['id']}", f"invoices/{invoice['id']}"):
        answer = await page.request.post(f"/staff/{path}", form={"reason": "none"})
        assert answer.status == 403
        assert "have access to this" in await answer.text()


async def test_an_invoice_is_voided_with_a_reason(people: People) -> None:
    page = await people.staff("finance")
    customer, invoice, _ = await owing(people.portal)
    people.watch.allow(422)
    await page.goto(f"/staff/invoices/{invoice['id']}")
    await page.get_by_text("Void this invoice").click()
    await page.locator("#reason").evaluate("each => { each.required = false; }")
    await page.get_by_role("button", name="Void the invoice").click()
    await expect(page.locator("#reason-fault")).to_be_visible()
    await page.fill("#reason", "Ordered twice")
    await page.get_by_role("button", name="Void the invoice").click()
    await expect(page.get_by_text("The invoice is void.")).to_be_visible()
    voided = await customer.api.get(f"/invoices/{invoice['id']}")
    assert voided["status"] == "void"


@pytest_asyncio.fixture(loop_scope="session")
async def admin(people: People) -> AsyncGenerator[Page]:
    """An administrator at the daily run, who sets the clock right in the end."""
    page = await people.staff("admin")
    yield page
    await page.goto("/staff/billing-runs")
    await page.get_by_role("button", name="Back to the real time").click()
    await expect(page.get_by_text("clock has moved")).to_be_visible()


async def test_the_day_is_run_ten_days_before_a_renewal_and_again(
    people: People, admin: Page
) -> None:
    portal = people.portal
    await admin.goto("/staff/billing-runs")
    shown = await admin.locator("#on").input_value()
    await move_clock(admin, date.fromisoformat(shown) + AHEAD)
    customer = await register(portal.api)
    service = await buy(customer, await portal.api_of("finance"), reference())
    expiry = date.fromisoformat(service["paid_until"])

    # The day before: whatever else is due by then is out of the way, also for the run
    # that happens by itself meanwhile.
    await move_clock(admin, expiry - NOTICE - timedelta(days=1))
    await run(admin)
    for issued in ("1", "0"):
        await run(admin, expiry - NOTICE)
        await expect(admin.locator("#issued")).to_have_text(issued)
    renewals = (await customer.api.get("/invoices?status=open"))["items"]
    assert [each["due_on"] for each in renewals] == [service["paid_until"]]


async def test_the_clock_goes_a_day_on_however_often_the_button_is_pressed(
    admin: Page,
) -> None:
    await admin.goto("/staff/billing-runs")
    today = date.fromisoformat(await admin.locator("#on").input_value())
    await admin.get_by_role("button", name="1 day forward").dblclick()
    await expect(admin.get_by_text("clock has moved")).to_be_visible()
    tomorrow = (today + timedelta(days=1)).isoformat()
    await expect(admin.locator("#on")).to_have_value(tomorrow)


async def move_clock(page: Page, day: date) -> None:
    await page.fill("#day", day.isoformat())
    await page.get_by_role("button", name="Move the clock").click()
    await expect(page.locator("#on")).to_have_value(day.isoformat())


async def run(page: Page, day: date | None = None) -> None:
    if day is not None:
        await page.fill("#on", day.isoformat())
    before = page.url
    await page.get_by_role("button", name="Run", exact=True).click()
    await page.wait_for_url(lambda url: url != before and "run=" in url)


@pytest.mark.parametrize("javascript", [True, False], ids=["js", "no js"])
async def test_the_audit_says_that_all_agree(
    people: People, *, javascript: bool
) -> None:
    page = await people.staff("finance", javascript=javascript)
    await page.goto("/staff/ledger")
    if not javascript:
        await page.get_by_role("button", name="Check now").click()
    await expect(page.locator("#verdict")).to_have_text("All agree")
    await page.get_by_role("button", name="Check again").click()
    await expect(page.locator("#verdict")).to_have_text("All agree")


async def test_an_article_is_previewed_published_and_removed(people: People) -> None:
    page = await people.staff("admin")
    reader = await people.visitor()
    title = f"New region {uuid4().hex[:8]}"
    people.watch.allow(422)
    await page.goto("/staff/news/new")
    await page.get_by_role("button", name="Publish").click()
    await expect(page.locator("[id='title.en-fault']")).to_be_visible()
    await page.locator("[id='title.en']").fill(title)
    await page.locator("[id='body.en']").fill(f"**Soon.** {HOSTILE}")
    await page.get_by_role("button", name="Preview").click()
    await expect(page.locator("article strong")).to_have_text("Soon.")
    await expect(page.locator("article")).to_contain_text(HOSTILE)
    await page.get_by_role("button", name="Publish").click()
    await reader.goto("/news")
    await expect(reader.get_by_role("link", name=title)).to_be_visible()

    await page.get_by_role("link", name=title).click()
    await page.get_by_text("Remove this article").click()
    await page.get_by_role("button", name="Remove").click()
    await expect(page.get_by_text("The article is removed.")).to_be_visible()
    await reader.reload()
    await expect(reader.get_by_role("link", name=title)).to_have_count(0)
