"""Orders: priced once, invoiced at once, active when paid."""

from datetime import date

import pytest

from services.billing.seed import seed
from services.billing.settings import SETTINGS
from tests.integration.billing_orders.stage import Stage, days


async def test_an_order_has_its_services_and_its_invoice_at_once(stage: Stage) -> None:
    ana = await stage.customer()
    order = await ana.order(
        {"product": "start", "period": "annual", "quantity": 2, "label": "shop"},
        {"product": "certificate", "period": "one_time"},
    )
    assert order["status"] == "pending"
    assert order["total"] == {"amount": "709.00", "currency": "BRL"}
    assert len(order["service_ids"]) == 3
    invoice = await ana.invoice(order["invoice_id"])
    assert invoice["total"] == invoice["remaining"] == order["total"]
    assert invoice["number"] == f"{stage.today.year}-000001"
    assert invoice["due_on"] == str(stage.today + days(3))
    assert invoice["payment_methods"] == ["bank_transfer", "deposit"]
    assert [(i["description"], i["total"]["amount"]) for i in invoice["lines"]] == [
        ("Web Start (shop), one year, from activation", "299.00"),
        ("Web Start (shop), one year, from activation", "299.00"),
        ("Set-up of Web Start", "31.00"),
        ("Certificate", "80.00"),
    ]
    assert {line["period_start"] for line in invoice["lines"]} == {None}
    for service_id in order["service_ids"]:
        assert (await ana.service(service_id))["status"] == "pending"


@pytest.mark.parametrize("currency", ["BRL", "USD"])
async def test_another_total_than_was_shown_is_refused_with_both_and_nothing_is_done(
    stage: Stage, currency: str
) -> None:
    ana = await stage.customer()
    amount = "29.89" if currency == "BRL" else "29.90"
    shown = {"amount": amount, "currency": currency}
    item = {"product": "start", "period": "monthly"}
    total = (await ana.post("/orders/preview", {"items": [item]})).body["total"]
    assert total != shown
    refused = await ana.post("/orders", {"items": [item], "expected": shown})
    assert refused.status == 409
    assert refused.body["type"].endswith("#SumChanged")
    assert refused.body["values"] == {"expected": shown, "total": total}
    assert (await ana.get("/orders")).body["items"] == []
    assert await ana.invoices() == []
    assert (await ana.get("/services")).body["items"] == []


@pytest.mark.parametrize(
    ("expected", "field"),
    [
        ({"amount": "1.001", "currency": "BRL"}, "expected.amount"),
        ({"amount": "much", "currency": "BRL"}, "expected.amount"),
        ({"amount": "1.00", "currency": "money"}, "expected.currency"),
        ({"amount": "1.00"}, "expected.currency"),
    ],
)
async def test_a_total_that_is_none_is_said_of_its_field(
    stage: Stage, expected: dict[str, str], field: str
) -> None:
    ana = await stage.customer()
    item = {"product": "start", "period": "monthly"}
    refused = await ana.post("/orders", {"items": [item], "expected": expected})
    assert refused.status == 422
    assert [error["field"] for error in refused.body["errors"]] == [field]


async def test_paying_the_first_invoice_activates_from_that_day(stage: Stage) -> None:
    await stage.set_date(date(2027, 1, 28))
    ana = await stage.customer()
    order = await ana.order()
    await stage.set_date(date(2027, 1, 31))
    await stage.pay(ana, order["invoice_id"])
    service = await ana.service(order["service_ids"][0])
    assert service["status"] == "active"
    assert service["activated_on"] == "2027-01-31"
    assert service["paid_until"] == service["next_due_on"] == "2027-02-28"
    invoice = await ana.invoice(order["invoice_id"])
    assert invoice["status"] == "paid"
    [line] = invoice["lines"]
    assert (line["period_start"], line["period_end"]) == ("2027-01-31", "2027-02-28")
    assert (await ana.get(f"/orders/{order['id']}")).body["status"] == "active"
    assert await stage.types_of(service["id"]) == ["ordered", "activated"]
    assert await stage.types_of(invoice["id"]) == ["issued", "paid"]


async def test_a_product_bought_once_is_active_without_a_period(stage: Stage) -> None:
    ana = await stage.customer()
    order = await ana.order({"product": "certificate", "period": "one_time"})
    await stage.pay(ana, order["invoice_id"])
    service = await ana.service(order["service_ids"][0])
    assert service["status"] == "active"
    assert (service["paid_until"], service["next_due_on"]) == (None, None)
    assert service["recurring_amount"]["amount"] == "0.00"
    assert (await stage.run(stage.today + days(400)))["issued"] == 0


async def test_what_costs_nothing_is_active_at_once(stage: Stage) -> None:
    ana = await stage.customer()
    order = await ana.order({"product": "trial", "period": "monthly"})
    assert order["status"] == "active"
    invoice = await ana.invoice(order["invoice_id"])
    assert (invoice["status"], invoice["payment_methods"]) == ("paid", [])
    assert invoice["number"] is not None
    service = await ana.service(order["service_ids"][0])
    assert service["activated_on"] == str(stage.today)
    assert await stage.types_of(invoice["id"]) == ["paid"]


async def test_credit_pays_what_it_can_of_a_new_order(stage: Stage) -> None:
    ana = await stage.customer()
    await stage.add_credit(ana, "40.00")
    order = await ana.order(use_credit=True)
    assert order["status"] == "active"
    partly = await ana.order(use_credit=True)
    invoice = await ana.invoice(partly["invoice_id"])
    assert (invoice["status"], invoice["remaining"]["amount"]) == ("open", "19.80")
    assert await ana.credit() == 0
    without = await ana.order(use_credit=True)
    assert (await ana.invoice(without["invoice_id"]))["paid"]["amount"] == "0.00"


async def test_credit_is_left_alone_unless_it_is_to_be_used(stage: Stage) -> None:
    ana = await stage.customer()
    await stage.add_credit(ana, "40.00")
    order = await ana.order()
    assert (await ana.invoice(order["invoice_id"]))["paid"]["amount"] == "0.00"
    assert await ana.credit() == 40


async def test_the_price_is_in_the_currency_of_the_customer(stage: Stage) -> None:
    bob = await stage.customer(currency="USD")
    order = await bob.order()
    assert order["total"] == {"amount": "7.90", "currency": "USD"}
    refused = await bob.post(
        "/orders", {"items": [{"product": "server", "period": "monthly"}]}
    )
    assert (refused.status, refused.fields) == (422, ["items.0.period"])


async def test_an_order_sent_twice_with_one_key_is_one_order(stage: Stage) -> None:
    ana = await stage.customer()
    body = {"items": [{"product": "start", "period": "monthly"}]}
    first, second = [await ana.post("/orders", body, key="k-1") for _ in range(2)]
    assert first.body == second.body
    assert (await ana.get("/orders", count="true")).body["total"] == 1


async def test_a_price_that_changes_leaves_what_was_bought(stage: Stage) -> None:
    ana = await stage.customer()
    service = await stage.active_service(ana, date(2027, 3, 1))
    dearer: dict[str, object] = {
        "products": [
            {
                "slug": "start",
                "name": "Web Start",
                "group": "Web hosting",
                "description": "One site.",
                "prices": [{"currency": "BRL", "period": "monthly", "amount": "39.90"}],
            }
        ]
    }
    billing = stage.billing
    for _ in range(2):
        await seed(billing.db, billing.clock, billing.resources[SETTINGS], dearer)
    shown = await ana.get("/products/start")
    assert [price["amount"]["amount"] for price in shown.body["prices"]] == ["39.90"]
    await stage.run(date(2027, 3, 22))
    [_, renewal] = await ana.invoices()
    assert renewal["total"]["amount"] == "29.90"
    assert renewal["lines"][0]["service_id"] == service["id"]


async def test_the_largest_order_is_one_order_one_invoice_and_one_pdf(
    stage: Stage,
) -> None:
    ana = await stage.customer()
    item = {
        "product": "start",
        "period": "annual",
        "quantity": 20,
        "label": '"' * 100,
    }
    order = await ana.order(*[item] * 20)
    assert len(order["service_ids"]) == 400
    invoice = await ana.invoice(order["invoice_id"])
    assert len(invoice["lines"]) == 420
    assert invoice["total"] == order["total"]
    printed = await ana.get(f"/invoices/{invoice['id']}/pdf")
    assert printed.content.startswith(b"%PDF-")
    await stage.pay(ana, invoice["id"])
    active = await ana.get("/services", status="active", count="true")
    assert active.body["total"] == 400
