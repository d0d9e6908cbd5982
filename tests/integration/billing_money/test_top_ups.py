"""Top-ups: credit that is bought, within limits, and there once it is paid."""

from datetime import date, timedelta
from typing import Any

from tests.integration.billing_money.stage import Stage, money

#: What a top-up may not say, and the field that is to blame.
BAD_TOP_UPS: list[tuple[dict[str, Any], str]] = [
    ({"amount": None}, "amount"),
    ({"amount": "20.00"}, "amount"),
    ({"amount": {"amount": 20, "currency": "BRL"}}, "amount.amount"),
    ({"amount": {"currency": "BRL"}}, "amount.amount"),
    ({"amount": money("20.00", "XYZ")}, "amount.currency"),
    ({"amount": money("20.00", "EUR")}, "amount.currency"),
    ({"method": "paypal"}, "method"),
    ({"method": 1}, "method"),
    ({"currency": "BRL"}, "currency"),
]


async def test_a_top_up_is_credit_once_it_is_paid(stage: Stage) -> None:
    ana = await stage.customer()
    invoice = await ana.top_up("50.00")
    assert (invoice["kind"], invoice["status"]) == ("top_up", "open")
    assert invoice["payment"] is None
    assert await ana.credit() == "0.00"
    await stage.settle(ana, invoice)
    assert await ana.credit() == "50.00"
    assert (await ana.invoice(invoice["id"]))["status"] == "paid"
    assert await ana.statement() == [("50.00", "top_up", "50.00")]
    async with stage.db.reading() as tx:
        kinds = await tx.fetch("SELECT kind FROM journal_entries")
    assert [row["kind"] for row in kinds] == ["payment"]


async def test_a_top_up_with_a_method_starts_its_payment(stage: Stage) -> None:
    ana = await stage.customer()
    body = {"amount": money("50.00"), "method": "deposit"}
    opened = await ana.post("/credit/top-ups", body)
    payment = opened.body["payment"]
    assert (payment["method"], payment["amount"]) == ("deposit", money("50.00"))
    assert payment["next_action"]["instructions"].startswith("Deposit R$50.00 to:")
    await stage.confirm(payment)
    assert await ana.credit() == "50.00"


async def test_short_and_surplus_money_for_a_top_up_is_all_credit(
    stage: Stage,
) -> None:
    ana = await stage.customer()
    short, over = await ana.top_up("50.00"), await ana.top_up("20.00")
    await stage.settle(ana, short, amount="30.00")
    assert (await ana.invoice(short["id"]))["remaining"] == money("20.00")
    await stage.settle(ana, over, amount="25.00")
    assert await ana.credit() == "55.00"
    await stage.settle(ana, short)
    assert await ana.credit() == "75.00"
    assert (await ana.invoice(short["id"]))["status"] == "paid"


async def test_an_invoice_and_a_top_up_are_paid_together(stage: Stage) -> None:
    ana = await stage.customer()
    await stage.settle(ana, await ana.order("small"), await ana.top_up("50.00"))
    assert await ana.credit() == "50.00"


async def test_top_ups_keep_to_the_limits(stage: Stage) -> None:
    ana = await stage.customer()
    limits = {
        item["currency"]: item for item in (await ana.get("/credit")).body["limits"]
    }
    assert limits["BRL"] == {
        "currency": "BRL",
        "minimum": money("10.00"),
        "maximum": money("5000.00"),
        "maximum_balance": money("10000.00"),
    }
    for amount in ("0", "0.00", "-20.00", "NaN", "20.001", "9.99", "5000.01", "1e3"):
        refused = await ana.post("/credit/top-ups", {"amount": money(amount)})
        assert (amount, refused.status) == (amount, 422)
        assert refused.fields == ["amount.amount"]
        message = refused.body["errors"][0]["message"]
        assert "from 10.00 BRL to 5000.00 BRL" in message
        assert "10000.00 BRL" in message
    assert (await ana.get("/invoices")).body["items"] == []
    for amount in ("10.00", "4990.00", "5000.00"):
        await ana.top_up(amount)


async def test_the_balance_has_a_maximum_that_counts_open_top_ups(
    stage: Stage,
) -> None:
    ana = await stage.customer()
    await stage.give_credit(ana, "4000.00")
    unpaid = await ana.top_up("5000.00")
    refused = await ana.post("/credit/top-ups", {"amount": money("1000.01")})
    assert (refused.status, refused.fields) == (422, ["amount.amount"])
    assert "4000.00 BRL held and 5000.00 BRL to be paid" in refused.body["detail"]
    await ana.top_up("1000.00")
    await stage.void(unpaid)
    await ana.top_up("5000.00", "USD")
    await ana.top_up("5000.00")
    assert (await ana.post("/credit/top-ups", {"amount": money("10.00")})).status == 422


async def test_an_overdue_top_up_is_not_in_the_way_of_another(stage: Stage) -> None:
    ana = await stage.customer()
    given_up = [await ana.top_up("5000.00") for _ in range(2)]
    await stage.run(date.fromisoformat(given_up[0]["due_on"]) + timedelta(days=1))
    await ana.top_up("5000.00")


async def test_each_bad_field_of_a_top_up_is_named(stage: Stage) -> None:
    ana = await stage.customer()
    for wrong, named in BAD_TOP_UPS:
        refused = await ana.post("/credit/top-ups", {"amount": money("20.00")} | wrong)
        assert (wrong, refused.status, refused.fields) == (wrong, 422, [named])
    assert (await ana.get("/invoices")).body["items"] == []


async def test_a_top_up_paid_in_part_can_be_voided_and_its_money_stays_credit(
    stage: Stage,
) -> None:
    ana = await stage.customer()
    invoice = await ana.top_up("50.00")
    await stage.settle(ana, invoice, amount="30.00")
    assert (await stage.void(invoice)).status == 200
    assert await ana.credit() == "30.00"
