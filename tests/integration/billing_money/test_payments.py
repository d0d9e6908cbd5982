"""Choosing how to pay: what is offered, asked for, superseded and refused."""

import asyncio
import re
from typing import Any

import pytest

from chassis.http import waiting
from chassis.ids import uuid7
from tests.integration.billing_money.stage import Person, Stage, a_payment

STARTED = "billing.payment.started.v1"
CANCELLED = "billing.payment.cancelled.v1"
#: What a payment may not ask for, and the field that is to blame.
BAD_FIELDS: list[tuple[dict[str, Any], str]] = [
    ({"invoice_ids": []}, "invoice_ids"),
    ({"invoice_ids": [str(uuid7()) for _ in range(51)]}, "invoice_ids"),
    ({"invoice_ids": [str(uuid7()), "x"]}, "invoice_ids.1"),
    ({"invoice_ids": "x"}, "invoice_ids"),
    ({"invoice_ids": [str(uuid7())] * 2}, "invoice_ids"),
    ({"method": None}, "method"),
    ({"method": 7}, "method"),
    ({"method": ""}, "method"),
    ({"method": "x" * 41}, "method"),
    ({"return_url": "javascript:alert(1)"}, "return_url"),
    ({"return_url": "https://" + "x" * 2000}, "return_url"),
    ({"amount": "1.00"}, "amount"),
]


async def test_a_transfer_gets_instructions_with_amount_and_reference(
    stage: Stage,
) -> None:
    ana = await stage.customer(language="pt-BR")
    payment = await ana.pay(await ana.order())
    assert payment["status"] == "awaiting_confirmation"
    assert payment["amount"] == {"amount": "100.00", "currency": "BRL"}
    action = payment["next_action"]
    assert action["type"] == "show_instructions"
    assert re.fullmatch(r"CA-[0-9A-HJKMNP-TV-Z]{8}", action["reference"])
    text = action["instructions"].replace("\N{NO-BREAK SPACE}", " ")
    assert "Transfira R$ 100,00 para:" in text
    assert "Banco 001, agência 1234" in text
    assert action["reference"] in text

    [told] = await stage.emitted(STARTED, payment["id"])
    assert told["instructions"] == action["instructions"]
    assert told["amount"] == {"amount": "100.00", "currency": "BRL"}
    assert (await ana.get(f"/payments/{payment['id']}")).body == payment


async def test_methods_are_offered_by_currency(stage: Stage) -> None:
    ana = await stage.customer()
    offered = (await ana.get("/payment-methods", currency="USD")).body
    assert [item["method"] for item in offered["items"]] == ["bank_transfer", "deposit"]
    assert (await ana.get("/payment-methods", currency="CLP")).body["items"] == []
    assert (await ana.get("/payment-methods", currency="XYZ")).fields == ["currency"]
    assert (await ana.get("/payment-methods")).body["currency"] == "BRL"
    assert (await stage.finance().get("/payment-methods")).fields == ["currency"]
    invoice = await ana.order()
    assert invoice["payment_methods"] == ["bank_transfer", "deposit"]


async def test_a_method_that_is_not_offered_is_refused_by_name(stage: Stage) -> None:
    ana = await stage.customer()
    invoice = await ana.order()
    for method in ("paypal", "card", "cash"):
        refused = await ana.post("/payments", a_payment(invoice, method=method))
        assert (refused.status, refused.fields) == (422, ["method"])
        assert "bank_transfer, deposit" in refused.body["errors"][0]["message"]


async def test_several_invoices_are_paid_at_once(stage: Stage) -> None:
    ana = await stage.customer()
    invoices = [await ana.order("large"), await ana.order("small")]
    payment = await ana.pay(*invoices)
    assert payment["amount"] == {"amount": "125.00", "currency": "BRL"}
    await stage.confirm(payment)
    for invoice in invoices:
        assert (await ana.invoice(invoice["id"]))["status"] == "paid"


async def test_a_new_attempt_supersedes_one_that_waits(stage: Stage) -> None:
    ana = await stage.customer()
    one, other = await ana.order(), await ana.order()
    first = await ana.pay(one, other)
    second = await ana.pay(one)
    shown = (await ana.get(f"/payments/{first['id']}")).body
    assert (shown["status"], shown["next_action"]) == ("cancelled", None)
    assert len(await stage.emitted(CANCELLED, first["id"])) == 1
    assert second["reference"] != first["reference"]
    third = await ana.pay(other)
    assert third["status"] == "awaiting_confirmation"
    assert (await ana.get(f"/payments/{second['id']}")).body == second


async def test_attempts_at_once_leave_one_alive(stage: Stage) -> None:
    ana = await stage.customer()
    invoice = await ana.order()
    await asyncio.gather(*(ana.pay(invoice) for _ in range(8)))
    waiting = await ana.get("/payments", status="awaiting_confirmation", count="true")
    cancelled = await ana.get("/payments", status="cancelled", count="true")
    assert (waiting.body["total"], cancelled.body["total"]) == (1, 7)


async def test_a_repeat_with_the_same_key_is_the_same_attempt(stage: Stage) -> None:
    ana = await stage.customer()
    request = a_payment(await ana.order())
    first = await ana.post("/payments", request, key="k1")
    again = await ana.post("/payments", request, key="k1")
    assert again.body == first.body
    assert (await ana.get("/payments", count="true")).body["total"] == 1


async def test_what_is_not_ones_own_is_not_there(stage: Stage) -> None:
    ana, eve = await stage.customer(), await stage.customer()
    invoice = await ana.order()
    payment = await ana.pay(invoice)
    own = await eve.order()
    for foreign in (invoice, {"id": str(uuid7())}):
        assert (await eve.post("/payments", a_payment(own, foreign))).status == 404
        assert (await eve.use_credit(foreign)).status == 404
        assert (await eve.delete(f"/invoices/{foreign['id']}/credit")).status == 404
    assert (await eve.get(f"/payments/{payment['id']}")).status == 404
    assert (await eve.get("/payments")).body["items"] == []


async def test_only_open_invoices_can_be_paid(stage: Stage) -> None:
    ana = await stage.customer()
    paid, void = await ana.order(), await ana.order()
    await stage.settle(ana, paid)
    await stage.void(void)
    for invoice in (paid, void):
        refused = await ana.post("/payments", a_payment(invoice))
        assert refused.status == 409
        assert refused.body["type"].endswith("InvoiceNotOpen")


async def test_currencies_are_not_mixed(stage: Stage) -> None:
    ana = await stage.customer()
    dollars = await ana.top_up("20.00", "USD")
    refused = await ana.post("/payments", a_payment(await ana.order(), dollars))
    assert (refused.status, refused.fields) == (422, ["invoice_ids"])


async def test_a_payment_waits_for_its_invoice_to_be_issued(stage: Stage) -> None:
    ana = stage.stranger()
    draft = await ana.order()
    assert (draft["status"], draft["number"]) == ("draft", None)
    await stage.mark("accounts", complete=False)
    async with asyncio.TaskGroup() as tasks:
        paying = tasks.create_task(ana.pay(draft))
        tasks.create_task(stage.introduce(ana))
    assert paying.result()["amount"] == {"amount": "100.00", "currency": "BRL"}


async def test_a_draft_that_stays_one_is_to_be_paid_later(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "WAIT_SECONDS", 0.1)
    ana = stage.stranger()
    draft = await ana.order()
    for complete in (True, False):
        await stage.mark("accounts", complete=complete)
        refused = await ana.post("/payments", a_payment(draft))
        assert refused.status == 503
        assert "Retry-After" in refused.headers


async def test_each_bad_field_is_named(stage: Stage) -> None:
    ana = await stage.customer()
    good = a_payment({"id": str(uuid7())})
    for wrong, named in BAD_FIELDS:
        refused = await ana.post("/payments", {**good, **wrong})
        assert (wrong, refused.status, refused.fields) == (wrong, 422, [named])


async def test_lists_go_on_where_they_ended(stage: Stage) -> None:
    ana = await stage.customer()
    invoice = await ana.order()
    made = [(await ana.pay(invoice))["id"] for _ in range(5)]
    first = (await ana.get("/payments", limit="3")).body
    rest = (await ana.get("/payments", limit="3", cursor=first["next"])).body
    assert [p["id"] for p in first["items"] + rest["items"]] == made[::-1]
    assert rest["next"] is None
    assert (await ana.get("/payments", cursor="x")).status == 400
    assert (await ana.get("/payments", status="lost")).fields == ["status.0"]


async def test_staff_finds_a_payment_by_its_reference(stage: Stage) -> None:
    ana, bia = await stage.customer(), await stage.customer()
    payment, other = await ana.pay(await ana.order()), await bia.pay(await bia.order())
    finance = stage.finance()
    found = await finance.get("/staff/payments", q=payment["reference"].lower()[:9])
    assert [item["id"] for item in found.body["items"]] == [payment["id"]]
    assert found.body["items"][0]["customer_id"] == str(ana.customer_id)
    assert (await finance.get("/staff/payments", q="%")).body["items"] == []
    all_of = await finance.get("/staff/payments", status="awaiting_confirmation")
    assert [p["id"] for p in all_of.body["items"]] == [other["id"], payment["id"]]
    by_id = await finance.get(f"/staff/payments/{payment['id']}")
    assert by_id.body["reference"] == payment["reference"]
    assert (await finance.get(f"/staff/payments/{uuid7()}")).status == 404


async def test_rights_are_asked_for(stage: Stage) -> None:
    ana = await stage.customer("services", "tickets")
    assert (await ana.get("/payments")).status == 403
    assert (await ana.get("/credit")).status == 403
    paying = await stage.customer()
    payment = await paying.pay(await paying.order())
    support = stage.finance("invoices.read")
    assert (await support.get("/staff/payments")).status == 403
    assert (await _confirm_as(support, payment)).status == 403
    assert (await _confirm_as(paying, payment)).status == 403
    assert (await support.get("/staff/ledger/audit")).status == 403


async def _confirm_as(person: Person, payment: dict[str, Any]) -> Any:
    return await person.post(
        f"/staff/payments/{payment['id']}/confirmation",
        {"amount": payment["amount"], "bank_reference": "E1"},
    )
