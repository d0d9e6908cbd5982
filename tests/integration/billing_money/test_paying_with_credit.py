"""Paying with credit first: one step, for just what was shown, or nothing at all."""

import asyncio
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.billing_money.stage import (
    Answer,
    Person,
    Stage,
    a_payment,
    money,
)

Invoice = dict[str, Any]

CREDIT_CHANGED = "billing.credit.changed.v1"
STARTED = "billing.payment.started.v1"
PAID = "billing.invoice.paid.v1"


async def pay(
    person: Person,
    *invoices: Invoice,
    expected: str | None = None,
    key: str | None = None,
    **fields: Any,
) -> Answer:
    """Pay with credit first, for what was shown."""
    body = a_payment(*invoices, **{"use_credit": True, **fields})
    if expected is not None:
        body["expected"] = money(expected)
    return await person.post("/payments", body, key=key)


async def preview(person: Person, *invoices: Invoice, use_credit: bool) -> Answer:
    body = {"invoice_ids": [each["id"] for each in invoices], "use_credit": use_credit}
    return await person.post("/payments/preview", body)


async def live_payments(person: Person) -> list[dict[str, Any]]:
    shown = await person.get("/payments", status="awaiting_confirmation")
    return shown.body["items"]


async def test_credit_pays_first_and_the_payment_asks_for_the_rest(
    stage: Stage,
) -> None:
    ana = await stage.customer()
    invoice = await ana.order("large")
    await stage.give_credit(ana, "30.00")
    started = await pay(ana, invoice, expected="70.00")
    assert started.status == 201
    assert started.body["credit_used"] == money("30.00")
    payment = started.body["payment"]
    assert (payment["amount"], payment["status"]) == (
        money("70.00"),
        "awaiting_confirmation",
    )
    assert (await ana.get(f"/payments/{payment['id']}")).body == payment
    [after] = started.body["invoices"]
    assert after == await ana.invoice(invoice["id"])
    assert (after["credit_applied"], after["remaining"]) == (
        money("30.00"),
        money("70.00"),
    )
    assert await ana.credit() == "0.00"
    [told] = await stage.emitted(STARTED, payment["id"])
    assert told["amount"] == money("70.00")
    assert (await stage.emitted_of_type(CREDIT_CHANGED))[-1]["change"] == money(
        "-30.00"
    )
    await stage.confirm(payment)
    assert (await ana.invoice(invoice["id"]))["status"] == "paid"


async def test_credit_that_covers_all_is_said_plainly_and_needs_no_method(
    stage: Stage,
) -> None:
    ana = await stage.customer()
    invoices = [await ana.order("large"), await ana.order("small")]
    await stage.give_credit(ana, "150.00")
    body = {
        "invoice_ids": [each["id"] for each in invoices],
        "use_credit": True,
        "expected": money("0.00"),
    }
    covered = await ana.post("/payments", body)
    assert covered.status == 201
    assert covered.body["payment"] is None
    assert covered.body["credit_used"] == money("125.00")
    assert [each["status"] for each in covered.body["invoices"]] == ["paid", "paid"]
    assert await live_payments(ana) == []
    assert await ana.credit() == "25.00"
    for invoice in invoices:
        assert len(await stage.emitted(PAID, invoice["id"])) == 1


async def test_the_oldest_due_takes_credit_first_and_a_top_up_none(
    stage: Stage,
) -> None:
    ana = await stage.customer()
    first = await ana.order("small")
    await stage.give_credit(ana, "40.00")
    top_up, younger = await ana.top_up("50.00"), await ana.order("large")
    started = await pay(ana, top_up, younger, first)
    shares = {
        share["invoice_id"]: share["amount"]["amount"]
        for share in started.body["payment"]["invoices"]
    }
    assert shares == {top_up["id"]: "50.00", younger["id"]: "85.00"}
    assert (await ana.invoice(first["id"]))["status"] == "paid"


async def test_without_use_credit_the_answer_is_the_payment_and_credit_stays(
    stage: Stage,
) -> None:
    ana = await stage.customer()
    invoice = await ana.order("large")
    await stage.give_credit(ana, "30.00")
    started = await pay(ana, invoice, expected="100.00", use_credit=False)
    assert (await ana.get(f"/payments/{started.body['id']}")).body == started.body
    assert started.body["amount"] == money("100.00")
    assert await ana.credit() == "30.00"
    refused = await pay(ana, invoice, expected="70.00", use_credit=False)
    assert refused.status == 409
    assert await live_payments(ana) == [started.body]


async def test_another_sum_than_was_shown_is_refused_with_both_and_nothing_is_done(
    stage: Stage,
) -> None:
    ana = await stage.customer()
    invoice, other = await ana.order("large"), await ana.order("small")
    await stage.give_credit(ana, "30.00")
    waiting = await ana.pay(invoice)
    # In another tab the credit is spent meanwhile.
    await ana.use_credit(other)
    refused = await pay(ana, invoice, expected="70.00")
    assert refused.status == 409
    assert refused.body["type"].endswith("#SumChanged")
    assert refused.body["values"] == {
        "expected": money("70.00"),
        "charged": money("95.00"),
    }
    assert "70.00 BRL was shown, and 95.00 BRL would" in refused.body["detail"]
    assert await live_payments(ana) == [waiting]
    assert await ana.credit() == "5.00"
    assert await ana.invoice(invoice["id"]) == invoice
    agreed = await pay(ana, invoice, expected="95.00")
    assert agreed.status == 201


async def test_credit_that_no_longer_covers_all_asks_for_a_look_not_for_a_method(
    stage: Stage,
) -> None:
    ana = await stage.customer()
    invoice, other = await ana.order("small"), await ana.order("small")
    await stage.give_credit(ana, "25.00")
    await ana.use_credit(other)
    refused = await pay(ana, invoice, expected="0.00", method=None)
    assert refused.status == 409
    assert refused.body["values"]["charged"] == money("25.00")


async def test_a_method_that_is_missing_or_not_offered_spends_no_credit(
    stage: Stage,
) -> None:
    ana = await stage.customer()
    invoice = await ana.order("large")
    await stage.give_credit(ana, "30.00")
    for method in (None, "paypal"):
        refused = await pay(ana, invoice, method=method)
        assert (refused.status, refused.fields) == (422, ["method"])
        assert "bank_transfer, deposit" in refused.body["errors"][0]["message"]
    assert await ana.credit() == "30.00"
    assert await ana.invoice(invoice["id"]) == invoice


async def test_one_that_cannot_be_paid_spends_no_credit_for_the_others(
    stage: Stage,
) -> None:
    ana, eve = await stage.customer(), await stage.customer()
    invoice, paid = await ana.order("large"), await ana.order("small")
    await stage.settle(ana, paid)
    await stage.give_credit(ana, "30.00")
    dollars = await ana.top_up("20.00", "USD")
    foreign = await eve.order()
    for other, status in ((paid, 409), (dollars, 422), (foreign, 404)):
        assert (await pay(ana, invoice, other)).status == status
        assert (await preview(ana, invoice, other, use_credit=True)).status == status
    assert await ana.credit() == "30.00"
    assert await live_payments(ana) == []


async def test_a_repeat_gets_the_first_answer_and_takes_no_more_credit(
    stage: Stage,
) -> None:
    ana = await stage.customer()
    invoice = await ana.order("large")
    await stage.give_credit(ana, "30.00")
    answers = await asyncio.gather(
        *(pay(ana, invoice, expected="70.00", key="k1") for _ in range(4))
    )
    again = await pay(ana, invoice, expected="70.00", key="k1")
    kept = [each for each in (*answers, again) if each.status == 201]
    assert all(each.body == again.body for each in kept)
    # A repeat that came while the first was running is to come again.
    assert {each.status for each in answers} <= {201, 409}
    assert [each["id"] for each in await live_payments(ana)] == [
        again.body["payment"]["id"]
    ]
    assert (await ana.invoice(invoice["id"]))["credit_applied"] == money("30.00")


async def test_a_refused_form_is_sent_again_under_its_key(stage: Stage) -> None:
    ana = await stage.customer()
    invoice = await ana.order("large")
    refused = await pay(ana, invoice, expected="70.00", key="k1")
    assert refused.status == 409
    assert (await pay(ana, invoice, expected="100.00", key="k1")).status == 201


async def test_two_tabs_that_show_different_sums_leave_one_payment_of_what_is_due(
    stage: Stage,
) -> None:
    ana = await stage.customer()
    invoice = await ana.order("large")
    await stage.give_credit(ana, "30.00")
    with_credit, without = await asyncio.gather(
        pay(ana, invoice, expected="70.00"),
        pay(ana, invoice, expected="100.00", use_credit=False),
    )
    assert with_credit.status == 201
    # Too late, its sum isn't due any more; earlier, it gave way to the other's.
    assert without.status in (201, 409)
    [live] = await live_payments(ana)
    assert live == with_credit.body["payment"]
    assert live["amount"] == (await ana.invoice(invoice["id"]))["remaining"]
    assert await ana.credit() == "0.00"


async def test_many_tabs_at_once_spend_the_credit_once(stage: Stage) -> None:
    ana = await stage.customer()
    invoices = [await ana.order("small") for _ in range(4)]
    await stage.give_credit(ana, "30.00")
    answers = await asyncio.gather(
        *(pay(ana, each, expected="0.00", method=None) for each in invoices)
    )
    # The credit is enough for one of them, and no other is paid in part.
    assert sorted(each.status for each in answers) == [201, 409, 409, 409]
    assert await ana.credit() == "5.00"
    assert await live_payments(ana) == []


async def test_credit_that_is_spent_while_it_is_chosen_is_never_spent_twice(
    stage: Stage,
) -> None:
    ana = await stage.customer()
    one, other = await ana.order("large"), await ana.order("large")
    await stage.give_credit(ana, "60.00")
    await asyncio.gather(
        pay(ana, one),
        ana.use_credit(other, "50.00"),
        ana.delete(f"/invoices/{one['id']}/credit"),
        pay(ana, one, other),
    )
    applied = [
        Decimal((await ana.invoice(each["id"]))["credit_applied"]["amount"])
        for each in (one, other)
    ]
    assert sum(applied) + Decimal(await ana.credit()) == Decimal(60)
    for payment in await live_payments(ana):
        for share in payment["invoices"]:
            due = (await ana.invoice(share["invoice_id"]))["remaining"]
            assert share["amount"] == due


async def test_a_preview_says_what_will_be_and_changes_nothing(stage: Stage) -> None:
    ana = await stage.customer()
    invoice, top_up = await ana.order("large"), await ana.top_up("50.00")
    await stage.give_credit(ana, "30.00")
    shown = await preview(ana, invoice, top_up, use_credit=True)
    assert shown.status == 200
    assert shown.body == {
        "total": money("150.00"),
        "credit_available": money("30.00"),
        "credit_used": money("30.00"),
        "remaining": money("120.00"),
        "methods": (await ana.get("/payment-methods")).body["items"],
    }
    without = (await preview(ana, invoice, use_credit=False)).body
    assert (without["credit_available"], without["credit_used"]) == (
        money("30.00"),
        money("0.00"),
    )
    only_funds = (await preview(ana, top_up, use_credit=True)).body
    assert only_funds["credit_available"] == money("0.00")
    assert await ana.credit() == "30.00"
    assert await live_payments(ana) == []


async def test_what_was_expected_is_read_strictly(stage: Stage) -> None:
    ana = await stage.customer()
    invoice = await ana.order()
    for wrong, field in (
        ({"amount": "1.001", "currency": "BRL"}, "expected.amount"),
        ({"amount": "1e2", "currency": "BRL"}, "expected.amount"),
        ({"amount": "100.00", "currency": "XYZ"}, "expected.currency"),
        ({"amount": 100, "currency": "BRL"}, "expected.amount"),
        ("100.00", "expected"),
    ):
        body = a_payment(invoice, expected=wrong)
        refused = await ana.post("/payments", body)
        assert (refused.status, refused.fields) == (422, [field])
    in_dollars = a_payment(invoice, expected=money("100.00", "USD"))
    assert (await ana.post("/payments", in_dollars)).status == 409


CENTS = st.integers(min_value=1, max_value=9_999)


def amount(cents: int) -> str:
    return str(Decimal(cents).scaleb(-2))


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    credit=st.none() | st.integers(min_value=1_000, max_value=30_000),
    owed=st.lists(
        st.tuples(st.sampled_from(["small", "large"]), st.none() | CENTS),
        min_size=1,
        max_size=4,
    ),
    top_up=st.booleans(),
)
async def test_whatever_is_owed_and_held_it_is_paid_to_the_cent(
    stage: Stage,
    credit: int | None,
    owed: list[tuple[str, int | None]],
    *,
    top_up: bool,
) -> None:
    ana = await stage.customer()
    if credit is not None:
        await stage.give_credit(ana, amount(credit))
    ordered = [await ana.order(product) for product, _ in owed]
    for invoice, (_, paid) in zip(ordered, owed, strict=True):
        if paid is not None:  # A part of it, or more than it.
            await stage.settle(ana, invoice, amount=amount(paid))
    invoices = [await ana.invoice(each["id"]) for each in ordered]
    invoices = [each for each in invoices if each["status"] == "open"]
    if top_up:
        invoices.append(await ana.top_up("50.00"))
    if not invoices:
        return
    held = Decimal(await ana.credit())
    remaining = sum((Decimal(i["remaining"]["amount"]) for i in invoices), Decimal(0))

    shown = (await preview(ana, *invoices, use_credit=True)).body
    started = await pay(ana, *invoices, expected=shown["remaining"]["amount"])

    assert started.status == 201, started.body
    payment = started.body["payment"]
    charged = Decimal(payment["amount"]["amount"]) if payment else Decimal(0)
    used = Decimal(started.body["credit_used"]["amount"])
    assert used + charged == remaining == Decimal(shown["total"]["amount"])
    assert Decimal(await ana.credit()) == held - used >= 0
    after = {each["id"]: each for each in started.body["invoices"]}
    allocated = sum(
        Decimal(after[each["id"]]["paid"]["amount"]) - Decimal(each["paid"]["amount"])
        for each in invoices
    )
    assert allocated == used
    if payment:
        assert {s["invoice_id"]: s["amount"] for s in payment["invoices"]} == {
            id_: each["remaining"]
            for id_, each in after.items()
            if each["status"] == "open"
        }
    else:
        assert {each["status"] for each in after.values()} == {"paid"}
    assert await stage.violations() == {}
