"""The forecast says what daily runs then do."""

from datetime import date
from typing import Any

import pytest

from tests.integration.billing_orders.stage import Person, Stage

BEGIN = date(2027, 1, 31)


async def forecast(person: Person, **query: str) -> Any:
    answer = await person.get("/forecast", **query)
    assert answer.status == 200, answer.body
    return answer.body


def charged(items: list[Any]) -> list[tuple[str, str, str, str]]:
    return [
        (item["issue_on"], item["due_on"], item["service_id"], item["amount"]["amount"])
        for item in items
    ]


async def test_a_year_of_runs_issues_what_was_forecast(stage: Stage) -> None:
    ana = await stage.customer()
    await stage.set_date(BEGIN)
    for item in (
        {"product": "start", "period": "monthly", "label": "shop"},
        {"product": "server", "period": "monthly"},
        {"product": "start", "period": "annual"},
        {"product": "certificate", "period": "one_time"},
        {"product": "trial", "period": "monthly"},
    ):
        order = await ana.order(item)
        invoice = await ana.invoice(order["invoice_id"])
        if invoice["status"] == "open":
            await stage.pay(ana, invoice["id"])
    said = charged((await forecast(ana, limit="100", months="13"))["items"])
    assert len(said) == 12 + 12 + 1

    done: list[tuple[str, str, str, str]] = []
    for issue_on in sorted({issue_on for issue_on, *_ in said}):
        await stage.set_date(date.fromisoformat(issue_on))
        await stage.run(date.fromisoformat(issue_on))
        for invoice in await ana.invoices(status="open"):
            done += [
                (
                    invoice["issued_on"],
                    invoice["due_on"],
                    line["service_id"],
                    line["total"]["amount"],
                )
                for line in invoice["lines"]
                if line["total"]["amount"] != "0.00"
            ]
            await stage.pay(ana, invoice["id"])
    assert sorted(done) == sorted(said)


async def test_an_issued_invoice_is_owed_and_not_forecast(stage: Stage) -> None:
    ana = await stage.customer()
    service = await stage.active_service(ana, BEGIN)
    await stage.add_credit(ana, "100.00")
    before = await forecast(ana, months="3")
    assert [item["due_on"] for item in before["items"]] == [
        *("2027-02-28", "2027-03-31"),
    ]
    assert before["until"] == "2027-04-30"
    assert before["items"][0] == {
        "due_on": "2027-02-28",
        "issue_on": "2027-02-18",
        "service_id": service["id"],
        "label": "Web Start",
        "product_name": "Web Start",
        "amount": {"amount": "29.90", "currency": "BRL"},
    }
    await stage.set_date(date(2027, 2, 18))
    await stage.run(date(2027, 2, 18))
    after = await forecast(ana, months="3")
    assert [item["due_on"] for item in after["items"]] == [
        *("2027-03-31", "2027-04-30"),
    ]
    [total] = after["totals"]
    assert {name: total[name]["amount"] for name in total if name != "covered"} == {
        "charges": "59.80",
        "owed": "29.90",
        "credit": "100.00",
        "missing": "0.00",
    }
    assert total["covered"]
    # Credit never pays for more credit, so a top-up is not owed here.
    topped = {"amount": {"amount": "50.00", "currency": "BRL"}}
    assert (await ana.post("/credit/top-ups", topped)).status == 201
    assert (await forecast(ana, months="3"))["totals"] == [total]
    [longer] = (await forecast(ana, months="4"))["totals"]
    assert (longer["missing"]["amount"], longer["covered"]) == ("19.60", False)


async def test_what_should_have_been_issued_is_issued_next(stage: Stage) -> None:
    ana = await stage.customer()
    await stage.active_service(ana, BEGIN)
    await stage.set_date(date(2027, 3, 2))
    first, second, *_ = (await forecast(ana))["items"]
    assert (first["due_on"], first["issue_on"]) == ("2027-02-28", "2027-03-02")
    assert (second["due_on"], second["issue_on"]) == ("2027-03-31", "2027-03-21")


async def test_pages_of_the_forecast_join_up(stage: Stage) -> None:
    ana = await stage.customer()
    await stage.set_date(BEGIN)
    order = await ana.order({"product": "start", "period": "monthly", "quantity": 3})
    await stage.pay(ana, order["invoice_id"])
    whole = await forecast(ana, limit="100", count="true")
    assert whole["total"] == len(whole["items"]) == 33
    seen: list[Any] = []
    query = {"limit": "10"}
    while True:
        page = await forecast(ana, **query)
        assert page["totals"] == whole["totals"]
        seen += page["items"]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert seen == whole["items"]


async def test_a_forecast_is_the_callers_own(stage: Stage) -> None:
    ana, bob = await stage.customer(), await stage.customer()
    await stage.active_service(ana, BEGIN)
    assert (await forecast(bob)) == {
        "items": [],
        "next": None,
        "until": str(BEGIN.replace(year=2028)),
        "totals": [],
    }
    keeper = await stage.customer("services")
    assert (await keeper.get("/forecast")).status == 403


@pytest.mark.parametrize("months", ["0", "25", "x", "-1", "1.5"])
async def test_a_forecast_looks_ahead_one_to_24_months(
    stage: Stage, months: str
) -> None:
    ana = await stage.customer()
    answer = await ana.get("/forecast", months=months)
    assert (answer.status, answer.fields) == (422, ["months"])
