"""What paid an invoice: its payments, each one's part, and the credit."""

from typing import Any

from chassis.ids import uuid7
from tests.integration.billing_money.stage import Person, Stage, money


async def payments_of(
    person: Person, invoice: dict[str, Any], **query: str
) -> list[Any]:
    listed = await person.get("/payments", invoice_id=invoice["id"], **query)
    assert listed.status == 200, listed.body
    return listed.body["items"]


def paid_by(payment: dict[str, Any]) -> dict[str, str]:
    """Return what a payment has paid, by invoice."""
    return {s["invoice_id"]: s["paid"]["amount"] for s in payment["invoices"]}


async def test_an_invoice_tells_how_much_of_it_credit_paid(stage: Stage) -> None:
    ana = await stage.customer()
    invoice = await ana.order("large")
    assert invoice["credit_applied"] == money("0.00")
    await stage.give_credit(ana, "70.00")
    used = await ana.use_credit(invoice, "30.00")
    assert used.body["credit_applied"] == money("30.00")
    await stage.settle(ana, used.body, amount="20.00")
    partly = await ana.invoice(invoice["id"])
    assert partly["credit_applied"] == money("30.00")
    assert (partly["paid"]["amount"], partly["remaining"]["amount"]) == (
        *("50.00", "50.00"),
    )
    freed = await ana.delete(f"/invoices/{invoice['id']}/credit")
    assert freed.body["credit_applied"] == money("0.00")
    assert freed.body["paid"] == money("20.00")
    assert (await ana.invoice(invoice["id"])) == freed.body
    await ana.use_credit(invoice)
    voided = await stage.void(invoice)
    assert voided.body["credit_applied"] == money("0.00")
    assert voided.body["customer_name"] == "Ana Souza"


async def test_the_payments_of_an_invoice_are_found_by_it(stage: Stage) -> None:
    ana, bob = await stage.customer(), await stage.customer()
    first, second = await ana.order(), await ana.order("small")
    given_up = await ana.pay(first)
    both = await ana.pay(first, second)
    assert [p["id"] for p in await payments_of(ana, first)] == [
        *(both["id"], given_up["id"]),
    ]
    assert [p["id"] for p in await payments_of(ana, second)] == [both["id"]]
    waiting = "awaiting_confirmation,clearing"
    assert [p["id"] for p in await payments_of(ana, first, status=waiting)] == [
        both["id"]
    ]
    counted = await ana.get("/payments", invoice_id=first["id"], count="true")
    assert counted.body["total"] == 2
    assert await payments_of(bob, first) == []
    finance = stage.finance()
    found = await finance.get("/staff/payments", invoice_id=second["id"])
    [one] = found.body["items"]
    assert (one["id"], one["customer_name"]) == (both["id"], "Ana Souza")
    unknown = await ana.get("/payments", invoice_id=str(uuid7()))
    assert (unknown.status, unknown.body["items"]) == (200, [])
    bad = await ana.get("/payments", invoice_id="first")
    assert (bad.status, bad.fields) == (422, ["invoice_id"])


async def test_a_payment_tells_what_each_invoice_got_of_it(stage: Stage) -> None:
    ana = await stage.customer()
    large, small = await ana.order("large"), await ana.order("small")
    started = await ana.pay(large, small)
    assert set(paid_by(started).values()) == {"0.00"}
    confirmed = await stage.confirm(started, "110.00")
    assert confirmed.body["customer_name"] == "Ana Souza"
    expected = {large["id"]: "100.00", small["id"]: "10.00"}
    assert paid_by(confirmed.body) == expected
    [shown] = await payments_of(ana, small)
    assert paid_by(shown) == expected
    asked = {s["invoice_id"]: s["amount"]["amount"] for s in shown["invoices"]}
    assert asked == {large["id"]: "100.00", small["id"]: "25.00"}
    await stage.void(small)
    [shown] = await payments_of(ana, small)
    assert paid_by(shown)[small["id"]] == "0.00"


async def test_payments_can_be_listed_by_several_statuses(stage: Stage) -> None:
    ana = await stage.customer()
    done, waiting = await ana.order(), await ana.order()
    await stage.settle(ana, done)
    await ana.pay(waiting)
    finance = stage.finance()
    for person, path in ((ana, "/payments"), (finance, "/staff/payments")):
        for statuses, number in (
            *(("succeeded", 1), ("clearing,awaiting_confirmation", 1)),
            *(("succeeded,awaiting_confirmation", 2), ("failed,expired", 0)),
        ):
            listed = await person.get(path, status=statuses, count="true")
            assert listed.body["total"] == number, (path, statuses)
        bad = await person.get(path, status="succeeded,done")
        assert (bad.status, bad.fields) == (422, ["status.1"])
