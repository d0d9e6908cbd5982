"""Credit: applied first, taken when due, never below zero."""

import asyncio
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from chassis.ids import uuid7
from tests.integration.billing_money.stage import (
    Answer,
    Stage,
    a_ticket,
    money,
)

CHANGED = "billing.credit.changed.v1"


async def test_credit_cannot_pay_for_credit(stage: Stage) -> None:
    ana = await stage.customer()
    await stage.give_credit(ana, "50.00")
    refused = await ana.use_credit(await ana.top_up("20.00"))
    assert refused.status == 409
    assert refused.body["type"].endswith("CreditCantPay")


async def test_credit_pays_first_and_the_payment_asks_exactly_the_rest(
    stage: Stage,
) -> None:
    ana = await stage.customer()
    await stage.give_credit(ana, "30.00")
    invoice = await ana.order()
    applied = await ana.use_credit(invoice)
    assert (applied.body["remaining"], applied.body["status"]) == (
        money("70.00"),
        "open",
    )
    payment = await ana.pay(invoice)
    assert payment["amount"] == money("70.00")
    await stage.confirm(payment)
    assert (await ana.invoice(invoice["id"]))["status"] == "paid"
    assert await ana.credit() == "0.00"
    account = (await stage.emitted_of_type(CHANGED))[-1]
    assert (account["change"], account["balance"]) == (money("-30.00"), money("0.00"))
    assert (account["reason"], account["invoice_number"]) == (
        "applied",
        invoice["number"],
    )


async def test_credit_that_covers_an_invoice_pays_it_and_begins_its_service(
    stage: Stage,
) -> None:
    ana = await stage.customer()
    await stage.give_credit(ana, "150.00")
    paid = await ana.use_credit(await ana.order())
    assert paid.body["status"] == "paid"
    assert paid.body["lines"][0]["period_start"] is not None
    assert (await ana.get("/services")).body["items"][0]["status"] == "active"
    assert await ana.credit() == "50.00"


async def test_credit_pays_an_order_that_asks_for_it(stage: Stage) -> None:
    ana = await stage.customer()
    await stage.give_credit(ana, "30.00")
    assert (await ana.order("small", use_credit=True))["status"] == "paid"
    partly = await ana.order("small", use_credit=True)
    assert (partly["status"], partly["paid"]) == ("open", money("5.00"))
    unpaid = await ana.order("small", use_credit=True)
    assert (unpaid["status"], unpaid["paid"]) == ("open", money("0.00"))


async def test_an_awaited_payment_gives_way_to_credit(stage: Stage) -> None:
    ana = await stage.customer()
    await stage.give_credit(ana, "30.00")
    invoice = await ana.order()
    payment = await ana.pay(invoice)
    await ana.use_credit(invoice)
    assert (await ana.get(f"/payments/{payment['id']}")).body["status"] == "cancelled"
    assert (await ana.pay(invoice))["amount"] == money("70.00")


async def test_a_part_of_the_credit_can_be_applied_and_taken_back(
    stage: Stage,
) -> None:
    ana = await stage.customer()
    await stage.give_credit(ana, "50.00")
    invoice = await ana.order()
    assert (await ana.use_credit(invoice, "20.00")).body["paid"] == money("20.00")
    assert (await ana.use_credit(invoice, "10.00")).body["paid"] == money("30.00")
    freed = await ana.delete(f"/invoices/{invoice['id']}/credit")
    assert (freed.status, freed.body["paid"]) == (200, money("0.00"))
    again = await ana.delete(f"/invoices/{invoice['id']}/credit")
    assert (again.status, again.body) == (200, freed.body)
    assert await ana.statement() == [
        ("50.00", "top_up", "50.00"),
        ("-20.00", "applied", "30.00"),
        ("-10.00", "applied", "20.00"),
        ("30.00", "freed", "50.00"),
    ]


async def test_taking_credit_back_leaves_what_money_paid(stage: Stage) -> None:
    ana = await stage.customer()
    await stage.give_credit(ana, "50.00")
    invoice = await ana.order()
    await stage.settle(ana, invoice, amount="40.00")
    await ana.use_credit(invoice, "20.00")
    freed = await ana.delete(f"/invoices/{invoice['id']}/credit")
    assert freed.body["paid"] == money("40.00")
    await ana.use_credit(invoice, "50.00")
    await stage.settle(ana, invoice)
    assert (await ana.delete(f"/invoices/{invoice['id']}/credit")).status == 409


async def test_more_than_there_is_or_remains_is_refused(stage: Stage) -> None:
    ana = await stage.customer()
    invoice = await ana.order()
    assert (await ana.use_credit(invoice)).status == 409
    await stage.give_credit(ana, "150.00")
    for amount in ("100.01", "0.00", "-1.00"):
        refused = await ana.use_credit(invoice, amount)
        assert (amount, refused.status) == (amount, 422)
        assert refused.fields == ["amount.amount"]
        assert "from 0.01 BRL to 100.00 BRL" in refused.body["detail"]
    assert (await ana.use_credit(invoice, "1.001")).fields == ["amount.amount"]
    assert (await ana.use_credit(invoice, "NaN")).fields == ["amount.amount"]
    await ana.use_credit(await ana.order(), "100.00")
    refused = await ana.use_credit(invoice, "50.01")
    assert (refused.status, "50.00 BRL" in refused.body["detail"]) == (409, True)
    foreign = {"amount": money("1.00", "USD")}
    refused = await ana.post(f"/invoices/{invoice['id']}/credit", foreign)
    assert (refused.status, refused.fields) == (422, ["amount.currency"])


async def test_credit_in_one_currency_pays_nothing_in_another(stage: Stage) -> None:
    ana = await stage.customer()
    await stage.give_credit(ana, "50.00", "USD")
    assert (await ana.use_credit(await ana.order())).status == 409
    assert (await ana.credit("USD"), await ana.credit()) == ("50.00", "0.00")


async def test_spends_at_once_never_take_more_than_there_is(stage: Stage) -> None:
    ana = await stage.customer()
    await stage.give_credit(ana, "100.00")
    invoices = [await ana.order("small") for _ in range(24)]

    async def spend(invoice: dict[str, Any]) -> Answer:
        # They wait for each other: a machine that is busy sends some of them again.
        answer, tries = await ana.use_credit(invoice, "7.00"), 1
        while answer.status == 503 and tries < 20:
            answer, tries = await ana.use_credit(invoice, "7.00"), tries + 1
        return answer

    answers = await asyncio.gather(*(spend(invoice) for invoice in invoices))
    assert {answer.status for answer in answers} == {200, 409}
    spent = 7 * sum(answer.status == 200 for answer in answers)
    assert spent == 98
    assert Decimal(await ana.credit()) + spent == 100
    assert all(Decimal(left) >= 0 for _, _, left in await ana.statement(limit="100"))


async def test_the_last_credit_is_spent_once(stage: Stage) -> None:
    ana = await stage.customer()
    await stage.give_credit(ana, "10.00")
    one, other = await ana.order("small"), await ana.order("small")
    answers = await asyncio.gather(
        ana.use_credit(one, "10.00"), ana.use_credit(other, "10.00")
    )
    assert sorted(answer.status for answer in answers) == [200, 409]


async def test_the_due_date_takes_credit_oldest_first(stage: Stage) -> None:
    ana = await stage.customer()
    older = await ana.order("large")
    await stage.run(stage.clock.today() + timedelta(days=1))
    younger = await ana.order("small")
    await stage.give_credit(ana, "110.00")
    due_on = date.fromisoformat(younger["due_on"])
    assert (await stage.run(due_on - timedelta(days=1)))["credit_applied"] == 1
    assert (await ana.invoice(older["id"]))["status"] == "paid"
    assert (await ana.invoice(younger["id"]))["paid"] == money("0.00")
    ran = await asyncio.gather(*(stage.run(due_on) for _ in range(3)))
    assert sum(run["credit_applied"] for run in ran) == 1
    assert (await ana.invoice(younger["id"]))["paid"] == money("10.00")
    assert [reason for _, reason, _ in await ana.statement()] == [
        "top_up",
        "automatic",
        "automatic",
    ]


async def test_the_due_date_leaves_alone_what_is_being_paid(stage: Stage) -> None:
    ana = await stage.customer()
    proved, top_up = await ana.order("small"), await ana.top_up("20.00")
    clearing = await ana.order("small")
    payment = await ana.pay(clearing)
    async with stage.superuser() as tampering:
        # A method that clears comes with the first provider.
        await tampering.execute(
            "UPDATE payments SET status = 'clearing' WHERE id = $1", payment["id"]
        )
    await stage.give_credit(ana, "100.00")
    ticket = a_ticket(ana.customer_id, invoice_id=proved["id"])
    await stage.deliver(ticket)
    await stage.run(date.fromisoformat(proved["due_on"]))
    for invoice in (proved, top_up, clearing):
        assert (await ana.invoice(invoice["id"]))["paid"] == money("0.00")
    for refused in (await ana.use_credit(clearing), await stage.void(clearing)):
        assert refused.status == 409
        assert refused.body["type"].endswith("PaymentClearing")
    closed = ticket.model_copy(update={"status": "closed", "version": 2})
    await stage.deliver(closed)
    await stage.run(date.fromisoformat(proved["due_on"]))
    assert (await ana.invoice(proved["id"]))["status"] == "paid"


async def test_the_statement_shows_every_movement_page_by_page(stage: Stage) -> None:
    ana = await stage.customer()
    await stage.give_credit(ana, "30.00", "USD")
    await stage.give_credit(ana, "50.00")
    invoice = await ana.order("small")
    for _ in range(3):
        await ana.use_credit(invoice, "5.00")
    first = (await ana.get("/credit/statement", limit="2", count="true")).body
    assert first["total"] == 5
    rest = (await ana.get("/credit/statement", cursor=first["next"])).body
    balances = [m["balance"] for m in first["items"] + rest["items"]]
    assert balances == [
        money("35.00"),
        money("40.00"),
        money("45.00"),
        money("50.00"),
        money("30.00", "USD"),
    ]
    assert rest["next"] is None
    assert first["items"][0]["invoice_number"] == invoice["number"]
    assert rest["items"][1]["payment_reference"].startswith("CA-")
    assert await ana.statement(currency="USD") == [("30.00", "top_up", "30.00")]
    assert (await ana.get("/credit/statement", currency="R$")).status == 422
    assert (await ana.get("/credit/statement", cursor="e30")).status == 400


async def test_a_voided_invoice_gives_back_what_paid_it(stage: Stage) -> None:
    ana = await stage.customer()
    await stage.give_credit(ana, "20.00")
    invoice = await ana.order()
    await ana.use_credit(invoice, "15.00")
    await stage.settle(ana, invoice, amount="40.00")
    payment = await ana.pay(invoice)
    voided = await stage.void(invoice)
    assert (voided.status, voided.body["status"]) == (200, "void")
    assert await ana.credit() == "60.00"
    assert (await ana.get(f"/payments/{payment['id']}")).body["status"] == "cancelled"
    assert (await ana.get("/services")).body["items"][0]["status"] == "cancelled"
    assert (await ana.statement())[-1] == ("55.00", "freed", "60.00")
    [told] = await stage.emitted("billing.invoice.voided.v1", invoice["id"])
    assert told["status"] == "void"
    assert (await stage.void(invoice)).status == 409


async def test_a_paid_invoice_cannot_be_voided_and_a_reason_is_needed(
    stage: Stage,
) -> None:
    ana = await stage.customer()
    invoice = await ana.order()
    finance = stage.finance()
    path = f"/staff/invoices/{invoice['id']}/void"
    for body in ({}, {"reason": ""}, {"reason": "x" * 501}, {"reason": None}):
        assert (await finance.post(path, body)).fields == ["reason"]
    unknown = {"id": str(uuid7())}
    assert (await stage.void(unknown)).status == 404
    await stage.settle(ana, invoice)
    assert (await stage.void(invoice)).status == 409
    assert (await stage.finance("invoices.read").post(path, {})).status == 403
