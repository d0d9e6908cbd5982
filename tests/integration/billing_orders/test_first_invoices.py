"""First invoices: drafted while the buyer is unknown, numbered without gaps."""

import asyncio
from contextlib import suppress
from datetime import date, datetime, time

import pytest

from chassis.http import waiting
from services.billing.commands.orders import Cart, place_order
from services.billing.domain.catalogue import Wanted
from services.billing.domain.periods import Period
from services.billing.settings import SETTINGS
from tests.integration.billing_orders.stage import (
    ZONE,
    Person,
    Stage,
    a_registration,
    days,
)


async def test_an_order_waits_for_details_that_are_on_their_way(stage: Stage) -> None:
    ana = stage.stranger()
    await stage.mark_accounts(complete=False)
    placing = asyncio.create_task(ana.order())
    await asyncio.sleep(0)
    await stage.deliver(a_registration(ana.principal))
    invoice = await ana.invoice((await placing)["invoice_id"])
    assert invoice["status"] == "open"
    assert invoice["buyer"]["name"] == "Ana Souza"


async def test_details_that_come_late_issue_the_draft(stage: Stage) -> None:
    ana = stage.stranger(language="pt-BR")
    order = await ana.order()
    draft = await ana.invoice(order["invoice_id"])
    assert (draft["status"], draft["number"], draft["buyer"]) == ("draft", None, None)
    assert (await ana.get("/invoices/outstanding")).body == {
        "totals": [],
        "invoices": 0,
    }
    for _ in range(2):
        await stage.deliver(a_registration(ana.principal, language="pt-BR"))
    invoice = await ana.invoice(order["invoice_id"])
    assert invoice["status"] == "open"
    assert invoice["number"] == f"{stage.today.year}-000001"
    assert invoice["due_on"] == draft["due_on"] == str(stage.today + days(3))
    assert invoice["lines"] == draft["lines"]
    assert "a partir da ativação" in invoice["lines"][0]["description"]
    assert invoice["buyer"]["address"] == [
        "Av. Afonso Pena, 4000",
        "Belo Horizonte, MG",
        "30130-009",
    ]
    assert await stage.types_of(invoice["id"]) == ["drafted", "issued"]


async def test_an_order_is_placed_even_if_the_details_lag_behind(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "WAIT_SECONDS", 0.1)
    await stage.mark_accounts(complete=False)
    ana = stage.stranger()
    order = await ana.order()
    assert (await ana.invoice(order["invoice_id"]))["status"] == "draft"


async def test_a_free_order_of_a_stranger_begins_once_the_buyer_is_known(
    stage: Stage,
) -> None:
    ana = stage.stranger()
    order = await ana.order({"product": "trial", "period": "monthly"})
    assert (await ana.service(order["service_ids"][0]))["status"] == "pending"
    await stage.deliver(a_registration(ana.principal))
    assert (await ana.service(order["service_ids"][0]))["status"] == "active"


async def test_a_buyers_details_are_frozen_at_issue(stage: Stage) -> None:
    ana = await stage.customer()
    before = await ana.invoice((await ana.order())["invoice_id"])
    await stage.deliver(a_registration(ana.principal, version=2, name="Ana Lima"))
    after = await ana.invoice((await ana.order())["invoice_id"])
    assert (await ana.invoice(before["id"]))["buyer"]["name"] == "Ana Souza"
    assert after["buyer"]["name"] == "Ana Lima"
    await stage.deliver(a_registration(ana.principal, version=1, name="Old"))
    third = await ana.invoice((await ana.order())["invoice_id"])
    assert third["buyer"]["name"] == "Ana Lima"


async def test_an_open_invoice_is_overdue_once_its_due_date_is_over_at_the_company(
    stage: Stage,
) -> None:
    ana = await stage.customer()
    left = (await ana.order())["invoice_id"]
    paid = (await ana.order())["invoice_id"]
    await stage.pay(ana, paid)
    due_on = date.fromisoformat((await ana.invoice(left))["due_on"])
    # Where the company is; in UTC the next day has begun.
    await stage.set_time(datetime.combine(due_on, time(23, 50), ZONE))
    assert [one["overdue"] for one in await ana.invoices()] == [False, False]
    await stage.set_time(datetime.combine(due_on + days(1), time.min, ZONE))
    assert [one["overdue"] for one in await ana.invoices()] == [True, False]
    assert (await ana.invoice(left))["overdue"]
    for_staff = await stage.finance.get(f"/staff/invoices/{left}")
    assert for_staff.body["overdue"]


async def test_orders_at_once_get_numbers_without_gaps(stage: Stage) -> None:
    people = [await stage.customer() for _ in range(10)]

    async def order_or_fail(place: int, person: Person) -> None:
        # Some are refused after they were begun: their numbers must come back.
        await person.order()
        if place % 3 == 0:
            body = {"items": [{"product": "nothing", "period": "monthly"}]}
            assert (await person.post("/orders", body)).status == 422

    await asyncio.gather(
        *(order_or_fail(n, person) for n, person in enumerate(people * 5))
    )
    async with stage.db.reading() as tx:
        rows = await tx.fetch("SELECT number FROM invoices ORDER BY number")
    year = stage.today.year
    assert [row["number"] for row in rows] == [
        f"{year}-{number:06d}" for number in range(1, 51)
    ]


async def test_an_order_that_fails_half_way_gives_its_number_back(
    stage: Stage,
) -> None:
    ana = await stage.customer()
    cart = Cart(
        customer_id=ana.customer_id,
        currency="BRL",
        language="en",
        items=[Wanted("start", Period.MONTHLY)],
    )
    terms = stage.billing.resources[SETTINGS].terms
    with suppress(BrokenOff):
        async with stage.db.transaction() as tx:
            now = stage.billing.clock.business_now()
            await place_order(tx, cart, terms=terms, on=stage.today, now=now)
            raise BrokenOff
    assert await ana.invoices() == []
    invoice = await ana.invoice((await ana.order())["invoice_id"])
    assert invoice["number"] == f"{stage.today.year}-000001"


class BrokenOff(Exception):
    """The process fails before its transaction commits."""
