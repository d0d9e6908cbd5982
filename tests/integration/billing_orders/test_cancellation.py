"""Orders that nobody pays end by themselves, and what was paid is credit again."""

from datetime import date
from typing import Any

from tests.integration.billing_orders.stage import Person, Stage, closed, days

PLACED = date(2027, 3, 5)


async def an_unpaid_order(stage: Stage) -> tuple[Person, Any]:
    await stage.set_date(PLACED)
    ana = await stage.customer()
    return ana, await ana.order({"product": "start", "period": "monthly"})


async def test_an_unpaid_order_is_cancelled_after_fourteen_days(stage: Stage) -> None:
    ana, order = await an_unpaid_order(stage)
    assert order["expires_on"] == str(PLACED + days(14))
    assert (await stage.run(PLACED + days(13)))["orders_cancelled"] == 0
    assert (await stage.run(PLACED + days(14)))["orders_cancelled"] == 1
    assert (await stage.run(PLACED + days(14)))["orders_cancelled"] == 0
    assert (await ana.get(f"/orders/{order['id']}")).body["status"] == "cancelled"
    invoice = await ana.invoice(order["invoice_id"])
    assert (invoice["status"], invoice["remaining"]["amount"]) == ("void", "0.00")
    service = await ana.service(order["service_ids"][0])
    assert (service["status"], service["reason"]) == ("cancelled", "order_unpaid")
    assert await stage.types_of(service["id"]) == ["ordered", "cancelled"]
    assert (await stage.types_of(invoice["id"]))[-1] == "voided"


async def test_what_was_paid_of_it_becomes_credit(stage: Stage) -> None:
    ana, order = await an_unpaid_order(stage)
    await stage.pay(ana, order["invoice_id"], amount="10.00")
    assert await ana.credit() == 0
    await stage.run(PLACED + days(14))
    assert await ana.credit() == 10


async def test_credit_at_the_due_date_can_save_an_order(stage: Stage) -> None:
    ana, order = await an_unpaid_order(stage)
    await stage.add_credit(ana, "29.90")
    report = await stage.run(PLACED + days(14))
    assert (report["credit_applied"], report["orders_cancelled"]) == (1, 0)
    assert (await ana.get(f"/orders/{order['id']}")).body["status"] == "active"


async def test_an_open_finance_ticket_holds_the_order_and_the_credit_back(
    stage: Stage,
) -> None:
    ana, order = await an_unpaid_order(stage)
    await stage.add_credit(ana, "10.00")
    opened = await stage.open_finance_ticket(ana, order["invoice_id"])
    report = await stage.run(PLACED + days(30))
    assert (report["credit_applied"], report["orders_cancelled"]) == (0, 0)
    await stage.deliver(closed(opened))
    await stage.deliver(opened)
    report = await stage.run(PLACED + days(30))
    assert (report["credit_applied"], report["orders_cancelled"]) == (1, 1)
    assert await ana.credit() == 10


async def test_an_order_whose_buyer_never_came_is_cancelled_too(stage: Stage) -> None:
    await stage.set_date(PLACED)
    order = await (ana := stage.stranger()).order()
    assert (await stage.run(PLACED + days(14)))["orders_cancelled"] == 1
    assert (await ana.invoice(order["invoice_id"]))["status"] == "void"


async def test_a_void_first_invoice_ends_its_order(stage: Stage) -> None:
    ana, order = await an_unpaid_order(stage)
    voided = await stage.finance.post(
        f"/staff/invoices/{order['invoice_id']}/void", {"reason": "Ordered twice."}
    )
    assert voided.status in (200, 201), voided.body
    assert (await ana.get(f"/orders/{order['id']}")).body["status"] == "cancelled"
    service = await ana.service(order["service_ids"][0])
    assert (service["status"], service["reason"]) == ("cancelled", "invoice_void")


async def test_a_void_renewal_releases_its_period_for_another(stage: Stage) -> None:
    ana = await stage.customer()
    service = await stage.active_service(ana, PLACED)
    await stage.run(date(2027, 3, 26))
    first = (await ana.invoices())[-1]
    await stage.finance.post(
        f"/staff/invoices/{first['id']}/void", {"reason": "Wrong details."}
    )
    assert (await stage.run(date(2027, 3, 26)))["issued"] == 1
    again = (await ana.invoices())[-1]
    assert again["lines"][0]["period_start"] == service["next_due_on"]
    assert (await ana.invoice(first["id"]))["status"] == "void"
