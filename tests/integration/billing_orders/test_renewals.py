"""The daily run: ten days before expiry, once, whatever happens."""

import asyncio
from datetime import date

import pytest

from chassis.ids import uuid7
from chassis.jobs import run
from services.billing.jobs import jobs
from tests.integration.billing_orders.stage import (
    Person,
    Stage,
    a_registration,
    days,
    running_billing,
)
from tests.support.databases import ServiceDatabase

EXPIRY = date(2027, 4, 5)


@pytest.fixture
async def ana(stage: Stage) -> Person:
    """Somebody with one service that expires on EXPIRY."""
    ana = await stage.customer()
    service = await stage.active_service(ana, date(2027, 3, 5))
    assert service["next_due_on"] == str(EXPIRY)
    return ana


async def test_nothing_eleven_days_before_and_one_ten_days_before(
    stage: Stage, ana: Person
) -> None:
    assert (await stage.run(EXPIRY - days(11)))["issued"] == 0
    assert len(await ana.invoices()) == 1
    assert (await stage.run(EXPIRY - days(10)))["issued"] == 1
    [_, renewal] = await ana.invoices()
    assert renewal["status"] == "open"
    assert renewal["due_on"] == str(EXPIRY)
    assert renewal["issued_on"] == str(EXPIRY - days(10))
    [line] = renewal["lines"]
    assert (line["period_start"], line["period_end"]) == (str(EXPIRY), "2027-05-05")
    assert line["description"] == ("Web Start, 5 Apr 2027 to 4 May 2027")


async def test_five_runs_make_one_invoice(stage: Stage, ana: Person) -> None:
    reports = [await stage.run(EXPIRY - days(10)) for _ in range(5)]
    assert [report["issued"] for report in reports] == [1, 0, 0, 0, 0]
    assert (await stage.run(EXPIRY + days(60)))["issued"] == 0
    assert len(await ana.invoices()) == 2


async def test_runs_at_once_on_two_workers_make_one_invoice_each(
    stage: Stage, database: ServiceDatabase, ana: Person
) -> None:
    others = [await stage.customer() for _ in range(20)]
    for other in others:
        order = await other.order()
        await stage.pay(other, order["invoice_id"])
    on = {"on": str(EXPIRY - days(10))}
    async with running_billing(database) as second:
        twin = Person(stage.finance.principal, second.client)
        answers = await asyncio.gather(
            *(
                person.post("/staff/billing-runs", on)
                for person in (stage.finance, twin) * 3
            )
        )
    assert {answer.status for answer in answers} == {201}
    assert sum(answer.body["issued"] for answer in answers) == 21
    for person in (ana, *others):
        assert len(await person.invoices()) == 2


async def test_a_machine_that_was_off_issues_on_its_return(
    stage: Stage, ana: Person
) -> None:
    await stage.set_date(EXPIRY - days(12))
    assert (await stage.run(EXPIRY - days(12)))["issued"] == 0
    await stage.set_date(EXPIRY - days(4))
    assert (await stage.run(EXPIRY - days(4)))["issued"] == 1
    [_, renewal] = await ana.invoices()
    assert renewal["issued_on"] == str(EXPIRY - days(4))
    assert renewal["due_on"] == str(EXPIRY)


async def test_a_run_for_a_day_gone_by_is_never_dated_back(
    stage: Stage, ana: Person
) -> None:
    await stage.set_date(EXPIRY - days(4))
    assert (await stage.run(EXPIRY - days(11)))["issued"] == 0
    assert (await stage.run(EXPIRY - days(10)))["issued"] == 1
    [_, renewal] = await ana.invoices()
    assert renewal["issued_on"] == str(EXPIRY - days(4))


async def test_a_month_end_anchor_holds_over_a_year(stage: Stage) -> None:
    ana = await stage.customer()
    service = await stage.active_service(ana, date(2027, 1, 31))
    expiries = [service["next_due_on"]]
    for _ in range(13):
        due_on = date.fromisoformat(expiries[-1])
        await stage.set_date(due_on - days(10))
        assert (await stage.run(due_on - days(10)))["issued"] == 1
        renewal = (await ana.invoices())[-1]
        assert renewal["due_on"] == expiries[-1]
        await stage.pay(ana, renewal["id"])
        expiries.append((await ana.service(service["id"]))["next_due_on"])
    assert expiries == [
        *("2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31", "2027-06-30"),
        *("2027-07-31", "2027-08-31", "2027-09-30", "2027-10-31", "2027-11-30"),
        *("2027-12-31", "2028-01-31", "2028-02-29", "2028-03-31"),
    ]
    renewed = (await stage.types_of(service["id"]))[2:]
    assert renewed == ["renewed"] * 13


async def test_paying_early_moves_the_expiry_by_one_period(
    stage: Stage, ana: Person
) -> None:
    await stage.set_date(EXPIRY - days(9))
    await stage.run(EXPIRY - days(9))
    [first, renewal] = await ana.invoices()
    await stage.pay(ana, renewal["id"])
    service = await ana.service(first["lines"][0]["service_id"])
    assert service["paid_until"] == service["next_due_on"] == "2027-05-05"
    assert (await stage.run(EXPIRY))["issued"] == 0
    assert (await stage.run(date(2027, 4, 25)))["issued"] == 1


async def test_no_renewal_while_an_earlier_period_is_unpaid(
    stage: Stage, ana: Person
) -> None:
    await stage.run(EXPIRY - days(10))
    await stage.set_date(EXPIRY + days(45))
    assert (await stage.run(EXPIRY + days(45)))["issued"] == 0
    renewal = (await ana.invoices())[-1]
    await stage.pay(ana, renewal["id"])
    assert (await stage.run(EXPIRY + days(45)))["issued"] == 1
    assert (await ana.invoices())[-1]["due_on"] == "2027-05-05"


async def test_services_due_together_are_on_one_invoice(stage: Stage) -> None:
    ana = await stage.customer()
    await stage.set_date(date(2027, 3, 5))
    for order in (
        await ana.order({"product": "start", "period": "monthly", "quantity": 2}),
        await ana.order({"product": "server", "period": "monthly"}),
    ):
        await stage.pay(ana, order["invoice_id"])
    assert (await stage.run(EXPIRY - days(10)))["issued"] == 1
    renewal = (await ana.invoices())[-1]
    assert renewal["total"]["amount"] == "258.80"
    assert len(renewal["lines"]) == 3


async def test_free_services_go_on_by_themselves(stage: Stage) -> None:
    ana = await stage.customer()
    await stage.set_date(date(2027, 3, 5))
    order = await ana.order({"product": "trial", "period": "monthly"})
    await stage.set_date(date(2027, 6, 1))
    assert (await stage.run(date(2027, 6, 1)))["issued"] == 3
    service = await ana.service(order["service_ids"][0])
    assert service["next_due_on"] == "2027-07-05"


async def test_credit_pays_on_the_due_date_and_renews(
    stage: Stage, ana: Person
) -> None:
    await stage.add_credit(ana, "30.00")
    await stage.run(EXPIRY - days(10))
    assert (await stage.run(EXPIRY - days(1)))["credit_applied"] == 0
    report = await stage.run(EXPIRY)
    assert (report["credit_applied"], report["issued"]) == (1, 0)
    renewal = (await ana.invoices())[-1]
    assert renewal["status"] == "paid"
    assert (await ana.service(renewal["lines"][0]["service_id"]))[
        "next_due_on"
    ] == "2027-05-05"
    assert (await stage.run(EXPIRY))["credit_applied"] == 0


async def test_missed_months_are_caught_up_with_credit_in_one_run(
    stage: Stage, ana: Person
) -> None:
    await stage.add_credit(ana, "65.00")
    await stage.set_date(date(2027, 6, 10))
    report = await stage.run(date(2027, 6, 10))
    # Two periods are paid whole, the third in part: the fourth has to wait for it.
    assert (report["issued"], report["credit_applied"]) == (3, 3)
    assert await ana.credit() == 0
    assert [invoice["due_on"] for invoice in (await ana.invoices())[-3:]] == [
        *("2027-04-05", "2027-05-05", "2027-06-05"),
    ]
    assert (await stage.run(date(2027, 6, 10)))["issued"] == 0


async def test_the_language_and_details_are_those_of_the_day_of_issue(
    stage: Stage, ana: Person
) -> None:
    await stage.deliver(
        a_registration(ana.principal, version=2, language="pt-BR", company="Padaria")
    )
    await stage.run(EXPIRY - days(10))
    renewal = (await ana.invoices())[-1]
    assert renewal["buyer"]["company"] == "Padaria"
    assert renewal["lines"][0]["description"] == ("Web Start, 05/04/2027 a 04/05/2027")


async def test_the_job_does_the_days_run_by_itself(stage: Stage, ana: Person) -> None:
    await stage.set_date(EXPIRY - days(10))
    for _ in range(2):
        failure = await run(
            jobs["run_billing"], stage.billing.resources, run_id=uuid7()
        )
        assert failure is None
    assert (await ana.invoices())[-1]["due_on"] == str(EXPIRY)
    # A run that found nothing to do isn't kept.
    kept = await stage.finance.get("/staff/billing-runs")
    assert [one["issued"] for one in kept.body["items"]] == [1]
