"""The daily run and the sandbox clock, as staff use them."""

import asyncio
from datetime import date, datetime, timedelta
from uuid import uuid4

from tests.e2e.client import Api, Json
from tests.e2e.journey import Customer, buy, choose_transfer, confirm, register
from tests.e2e.stack import Stack


async def today(stack: Stack) -> date:
    return datetime.fromisoformat((await stack.clock())["now"]).date()


async def move_to(stack: Stack, day: date) -> None:
    admin = await stack.staff("admin")
    await admin.call("PUT", "/staff/clock", {"now": f"{day.isoformat()}T15:00:00Z"})


async def run(stack: Stack, on: date) -> Json:
    finance = await stack.staff("finance")
    return await finance.post("/staff/billing-runs", {"on": on.isoformat()}, expect=201)


async def renewals(customer: Customer, service_id: str) -> list[Json]:
    """Return the service's invoices beyond the first, oldest first."""
    invoices = (await customer.api.get("/invoices?limit=100"))["items"]
    about = [
        invoice
        for invoice in invoices
        if any(line["service_id"] == service_id for line in invoice["lines"])
    ]
    return sorted(about, key=lambda invoice: invoice["due_on"])[1:]


async def pay(customer: Customer, finance: Api, invoice: Json) -> None:
    payment = await choose_transfer(customer, invoice["id"])
    amount = invoice["remaining"]["amount"]
    await confirm(finance, payment, amount, f"bank-{uuid4()}")


async def test_ten_days_before_expiry_one_invoice_is_issued_whatever_is_repeated(
    stack: Stack,
) -> None:
    customer, finance = await register(stack.api), await stack.staff("finance")
    service = await buy(customer, finance, f"bank-{uuid4()}")
    expiry = date.fromisoformat(service["paid_until"])

    await run(stack, expiry - timedelta(days=11))
    assert await renewals(customer, service["id"]) == []

    for _ in range(3):
        await run(stack, expiry - timedelta(days=10))
    await asyncio.gather(*(run(stack, expiry - timedelta(days=10)) for _ in range(4)))
    [invoice] = await renewals(customer, service["id"])
    assert invoice["due_on"] == service["paid_until"]
    await stack.mailbox.wait_for(customer.email, invoice["number"])

    await pay(customer, finance, invoice)
    renewed = await customer.api.get(f"/services/{service['id']}")
    assert renewed["paid_until"] == invoice["lines"][0]["period_end"]
    assert renewed["paid_until"] > service["paid_until"]
    await run(stack, expiry - timedelta(days=9))
    assert len(await renewals(customer, service["id"])) == 1


async def test_a_machine_that_was_off_issues_on_its_return_with_the_due_date_kept(
    stack: Stack,
) -> None:
    customer, finance = await register(stack.api), await stack.staff("finance")
    service = await buy(customer, finance, f"bank-{uuid4()}")
    expiry = date.fromisoformat(service["paid_until"])
    await run(stack, expiry - timedelta(days=12))
    await run(stack, expiry - timedelta(days=4))
    [invoice] = await renewals(customer, service["id"])
    assert invoice["due_on"] == service["paid_until"]


async def test_credit_is_taken_on_the_due_date_and_not_before(stack: Stack) -> None:
    customer, finance = await register(stack.api), await stack.staff("finance")
    service = await buy(customer, finance, f"bank-{uuid4()}")
    expiry = date.fromisoformat(service["paid_until"])
    amount = {"amount": "500.00", "currency": "BRL"}
    top_up = await customer.api.post("/credit/top-ups", {"amount": amount})
    await pay(customer, finance, top_up)

    await run(stack, expiry - timedelta(days=10))
    [invoice] = await renewals(customer, service["id"])
    await run(stack, expiry - timedelta(days=1))
    assert (await customer.api.get(f"/invoices/{invoice['id']}"))["status"] == "open"
    await run(stack, expiry)
    paid = await customer.api.get(f"/invoices/{invoice['id']}")
    assert paid["status"] == "paid"
    movements = (await customer.api.get("/credit/statement"))["items"]
    assert len(movements) == 2


async def test_periods_keep_to_their_day_over_a_year_of_month_ends(
    stack: Stack,
) -> None:
    # The clock only goes forward: to the next 31 January.
    now = await today(stack)
    await move_to(stack, date(now.year + 1, 1, 31))
    customer, finance = await register(stack.api), await stack.staff("finance")
    service = await buy(customer, finance, f"bank-{uuid4()}")
    ends: list[str] = [service["paid_until"]]
    for _ in range(12):
        due = date.fromisoformat(ends[-1])
        await run(stack, due - timedelta(days=10))
        await pay(customer, finance, (await renewals(customer, service["id"]))[-1])
        service = await customer.api.get(f"/services/{service['id']}")
        ends.append(service["paid_until"])
    days = [date.fromisoformat(end).day for end in ends]
    february = 29 if (now.year + 1) % 4 == 0 else 28
    assert days[:11] == [february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    assert days[11] == 31


async def test_a_day_that_has_not_come_may_be_run_only_with_the_sandbox_clock(
    stack: Stack,
) -> None:
    finance = await stack.staff("finance")
    for bad in ("2026-02-30", "tomorrow", 20261123, None):
        status, problem = await finance.try_call(
            "POST", "/staff/billing-runs", {"on": bad}
        )
        assert status == 422
        assert problem["errors"][0]["field"] == "on"
