"""Finance confirms what the bank shows: exactly, short, too much, too late, twice."""

import asyncio
from datetime import timedelta
from typing import Any

from chassis.ids import uuid7
from tests.integration.billing_money.stage import (
    Answer,
    Stage,
    a_ticket,
    money,
)

SUCCEEDED = "billing.payment.succeeded.v1"
PAID = "billing.invoice.paid.v1"
UPDATED = "billing.invoice.updated.v1"
#: What a confirmation may not say, and the field that is to blame.
BAD_FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"amount": None}, "amount"),
    ({"amount": "100.00"}, "amount"),
    ({"amount": {"amount": 100, "currency": "BRL"}}, "amount.amount"),
    ({"amount": {"amount": "100.00"}}, "amount.currency"),
    ({"amount": money("100.00", "brl")}, "amount.currency"),
    ({"amount": {**money("100.00"), "minor": 1}}, "amount.minor"),
    ({"bank_reference": ""}, "bank_reference"),
    ({"bank_reference": "  "}, "bank_reference"),
    ({"bank_reference": "\N{ZERO WIDTH SPACE}"}, "bank_reference"),
    ({"bank_reference": "x" * 101}, "bank_reference"),
    ({"bank_reference": "a\nb"}, "bank_reference"),
    ({"bank_reference": None}, "bank_reference"),
    ({"bank_account": ""}, "bank_account"),
    ({"bank_account": 1}, "bank_account"),
    ({"ticket_id": "x"}, "ticket_id"),
    ({"note": "x"}, "note"),
]


async def test_the_exact_amount_pays_the_invoice_and_begins_the_service(
    stage: Stage,
) -> None:
    ana = await stage.customer()
    invoice = await ana.order()
    confirmed = await stage.settle(ana, invoice)
    assert confirmed.body["status"] == "succeeded"
    assert confirmed.body["received"] == money("100.00")
    paid = await ana.invoice(invoice["id"])
    assert (paid["status"], paid["remaining"]) == ("paid", money("0.00"))
    [service] = (await ana.get("/services")).body["items"]
    assert service["status"] == "active"
    [told] = await stage.emitted(SUCCEEDED, confirmed.body["id"])
    assert told["shares"][0]["remaining"] == money("0.00")
    assert told["credited"] == money("0.00")
    assert len(await stage.emitted(PAID, invoice["id"])) == 1
    assert await stage.tasks() == []


async def test_short_money_pays_a_part_and_the_rest_can_be_paid(stage: Stage) -> None:
    ana = await stage.customer()
    invoice = await ana.order()
    await stage.settle(ana, invoice, amount="40.00")
    partly = await ana.invoice(invoice["id"])
    assert (partly["status"], partly["paid"], partly["remaining"]) == (
        "open",
        money("40.00"),
        money("60.00"),
    )
    assert len(await stage.emitted(UPDATED, invoice["id"])) == 1
    rest = await ana.pay(invoice)
    assert rest["amount"] == money("60.00")
    await stage.confirm(rest)
    assert (await ana.invoice(invoice["id"]))["status"] == "paid"


async def test_short_money_for_several_pays_the_oldest_due_first(stage: Stage) -> None:
    ana = await stage.customer()
    older = await ana.order("large")
    await stage.run(stage.clock.today() + timedelta(days=1))
    younger = await ana.order("small")
    confirmed = await stage.settle(ana, younger, older, amount="110.00")
    assert (await ana.invoice(older["id"]))["status"] == "paid"
    assert (await ana.invoice(younger["id"]))["paid"] == money("10.00")
    [told] = await stage.emitted(SUCCEEDED, confirmed.body["id"])
    remaining = {s["invoice_id"]: s["remaining"]["amount"] for s in told["shares"]}
    assert remaining == {older["id"]: "0.00", younger["id"]: "15.00"}


async def test_an_invoice_that_gets_nothing_is_told_of_too(stage: Stage) -> None:
    ana = await stage.customer()
    invoices = [await ana.order("large"), await ana.order("small")]
    confirmed = await stage.settle(ana, *invoices, amount="60.00")
    [told] = await stage.emitted(SUCCEEDED, confirmed.body["id"])
    assert {s["invoice_id"] for s in told["shares"]} == {i["id"] for i in invoices}


async def test_too_much_becomes_credit(stage: Stage) -> None:
    ana = await stage.customer()
    invoice = await ana.order()
    confirmed = await stage.settle(ana, invoice, amount="130.00")
    assert await ana.credit() == "30.00"
    [told] = await stage.emitted(SUCCEEDED, confirmed.body["id"])
    assert told["credited"] == money("30.00")
    [moved] = (await ana.get("/credit/statement")).body["items"]
    assert (moved["change"], moved["reason"]) == (money("30.00"), "overpayment")


async def test_a_payment_is_confirmed_once(stage: Stage) -> None:
    ana = await stage.customer()
    payment = await ana.pay(await ana.order())
    answers = await asyncio.gather(*(stage.confirm(payment) for _ in range(6)))
    assert sorted(answer.status for answer in answers) == [201] + [409] * 5
    assert await ana.credit() == "0.00"


async def test_a_bank_reference_confirms_once(stage: Stage) -> None:
    ana = await stage.customer()
    payment = await ana.pay(await ana.order())
    assert (await stage.confirm(payment, bank_reference="E1")).status == 201
    again = await stage.confirm(payment, bank_reference="E1")
    assert again.status == 409
    other = await ana.pay(await ana.order())
    refused = await stage.confirm(other, bank_reference=" E1 ")
    assert refused.status == 409
    assert refused.body["type"].endswith("BankReferenceUsed")
    assert refused.fields == ["bank_reference"]
    assert (await ana.get(f"/payments/{other['id']}")).body["status"] != "succeeded"
    elsewhere = await stage.confirm(other, bank_reference="E1", bank_account="savings")
    assert elsewhere.status == 201


async def test_a_bank_reference_that_looks_the_same_is_the_same(stage: Stage) -> None:
    ana = await stage.customer()
    one, other = [await ana.pay(await ana.order()) for _ in range(2)]
    assert (await stage.confirm(one, bank_reference="E1 23")).status == 201
    for copied in ("E1\N{ZERO WIDTH SPACE} 23", "E1 \N{NO-BREAK SPACE} 23"):
        again = await stage.confirm(other, bank_reference=copied)
        assert again.status == 409
        assert again.body["type"].endswith("BankReferenceUsed")


async def test_one_bank_reference_for_many_payments_at_once_confirms_one(
    stage: Stage,
) -> None:
    people = [await stage.customer() for _ in range(6)]
    payments = [await person.pay(await person.order()) for person in people]
    answers = await asyncio.gather(
        *(stage.confirm(payment, bank_reference="E1") for payment in payments)
    )
    assert sorted(answer.status for answer in answers) == [201] + [409] * 5


async def test_money_for_a_superseded_payment_is_credit_and_somebody_looks(
    stage: Stage,
) -> None:
    ana = await stage.customer()
    invoice = await ana.order()
    first = await ana.pay(invoice)
    second = await ana.pay(invoice)
    late = await stage.confirm(first)
    assert (late.status, late.body["status"]) == (201, "succeeded")
    assert await ana.credit() == "100.00"
    assert (await ana.invoice(invoice["id"]))["paid"] == money("0.00")
    [task] = await stage.tasks()
    assert task["department"] == "finance"
    assert task["invoice_id"] == invoice["id"]
    assert first["reference"] in task["title"]
    assert (await stage.confirm(second)).status == 201
    assert (await ana.invoice(invoice["id"]))["status"] == "paid"


async def test_money_for_a_void_invoice_is_credit_and_revives_nothing(
    stage: Stage,
) -> None:
    ana = await stage.customer()
    invoice = await ana.order()
    payment = await ana.pay(invoice)
    await stage.void(invoice)
    assert (await stage.confirm(payment)).status == 201
    assert await ana.credit() == "100.00"
    assert (await ana.invoice(invoice["id"]))["status"] == "void"
    assert len(await stage.tasks()) == 1


async def test_the_share_of_an_invoice_paid_meanwhile_becomes_credit(
    stage: Stage,
) -> None:
    ana = await stage.customer()
    one, other = await ana.order("large"), await ana.order("small")
    together = await ana.pay(one, other)
    await stage.settle(ana, one)
    assert (await stage.confirm(together)).status == 201
    assert (await ana.invoice(other["id"]))["status"] == "paid"
    assert await ana.credit() == "100.00"
    assert len(await stage.tasks()) == 1


async def test_the_share_of_an_invoice_made_void_meanwhile_becomes_credit(
    stage: Stage,
) -> None:
    ana = await stage.customer()
    one, other = await ana.order("large"), await ana.order("small")
    together = await ana.pay(one, other)
    await stage.void(one)
    assert (await stage.confirm(together)).status == 201
    assert (await ana.invoice(other["id"]))["status"] == "paid"
    assert await ana.credit() == "100.00"
    assert len(await stage.tasks()) == 1


async def test_an_amount_that_no_bank_shows_is_refused_with_the_limits(
    stage: Stage,
) -> None:
    ana = await stage.customer()
    payment = await ana.pay(await ana.order())
    for amount in ("0.00", "0", "-1.00", "10.001", "NaN", "1e3", "\u0661", "9" * 16):
        refused = await stage.confirm(payment, amount)
        assert (amount, refused.status) == (amount, 422)
        assert refused.fields == ["amount.amount"]
        assert "from 0.01 BRL to" in refused.body["errors"][0]["message"]


async def test_another_currency_is_refused(stage: Stage) -> None:
    ana = await stage.customer()
    payment = await ana.pay(await ana.order())
    refused = await stage.confirm(payment, amount=money("100.00", "USD"))
    assert (refused.status, refused.fields) == (422, ["amount.currency"])


async def test_each_bad_field_is_named(stage: Stage) -> None:
    ana = await stage.customer()
    payment = await ana.pay(await ana.order())
    for wrong, named in BAD_FIELDS:
        refused = await stage.confirm(payment, **wrong)
        assert (wrong, refused.status, refused.fields) == (wrong, 422, [named])
    assert (await ana.get(f"/payments/{payment['id']}")).body == payment


async def test_a_confirmation_names_a_ticket_of_the_same_customer(
    stage: Stage,
) -> None:
    ana, bia = await stage.customer(), await stage.customer()
    payment = await ana.pay(await ana.order())
    foreign, own = a_ticket(bia.customer_id), a_ticket(ana.customer_id)
    await stage.deliver(foreign)
    for ticket_id in (foreign.ticket_id, uuid7()):
        refused = await stage.confirm(payment, ticket_id=str(ticket_id))
        assert (refused.status, refused.fields) == (422, ["ticket_id"])

    await stage.mark("tickets", complete=False)

    async def confirm() -> Answer:
        return await stage.confirm(payment, ticket_id=str(own.ticket_id))

    async with asyncio.TaskGroup() as tasks:
        confirming = tasks.create_task(confirm())
        tasks.create_task(stage.deliver(own))
    assert confirming.result().status == 201
    assert confirming.result().body["ticket_id"] == str(own.ticket_id)
    [told] = await stage.emitted(SUCCEEDED, payment["id"])
    assert told["ticket_id"] == str(own.ticket_id)


async def test_the_confirmation_is_audited_and_names_who_did_it(stage: Stage) -> None:
    ana = await stage.customer()
    confirmed = await stage.settle(ana, await ana.order())
    async with stage.db.reading() as tx:
        row = await tx.fetchrow(
            "SELECT actor, details FROM audit_log WHERE action = 'payment.confirmed'"
        )
    assert row is not None
    assert row["actor"] == f"staff:{confirmed.body['confirmed_by']}"
    assert row["details"]["received"] == "100.00 BRL"


async def test_a_payment_that_is_not_there_cannot_be_confirmed(stage: Stage) -> None:
    refused = await stage.confirm({"id": str(uuid7()), "amount": money("1.00")})
    assert refused.status == 404
