"""Operators see what becomes of payments, and how far the daily run has come."""

from datetime import datetime, time, timedelta

from chassis.ids import uuid7
from chassis.jobs import JobRun
from services.billing.jobs import run_billing
from services.billing.measures import measure
from tests.integration.billing_money.stage import Stage
from tests.support.measured import measure_by, told


def recent(status: str) -> float | None:
    return told("payments_recent", method="bank_transfer", status=status)


async def test_a_payment_waits_for_finance_and_then_does_not(stage: Stage) -> None:
    ana = await stage.customer()
    payment = await ana.pay(await ana.order())
    stage.clock.shift += timedelta(hours=5)
    await measure_by(measure, stage.db, stage.clock)
    assert (recent("awaiting_confirmation"), recent("succeeded")) == (1, 0)
    age = told("payments_unresolved_oldest_seconds", status="awaiting_confirmation")
    assert age is not None
    assert timedelta(seconds=age) > timedelta(hours=4)

    assert (await stage.confirm(payment)).status == 201
    await measure_by(measure, stage.db, stage.clock)
    assert (recent("awaiting_confirmation"), recent("succeeded")) == (0, 1)
    assert told("payments_unresolved_oldest_seconds", status="clearing") == 0


async def test_an_invoice_is_overdue_the_day_after_it_was_due(stage: Stage) -> None:
    ana = await stage.customer()
    await ana.order()
    await measure_by(measure, stage.db, stage.clock)
    assert told("invoices_overdue") == 0
    stage.clock.shift += timedelta(days=4)
    await measure_by(measure, stage.db, stage.clock)
    assert told("invoices_overdue") == 1


async def test_the_daily_run_tells_its_day_also_when_nothing_was_due(
    stage: Stage,
) -> None:
    stage.clock.shift += timedelta(days=2)
    await run_billing(JobRun(uuid7(), stage.resources))
    midnight = datetime.combine(stage.clock.today(), time.min, stage.clock.zone)
    day = told("billing_run_last_day_timestamp_seconds")
    assert day == midnight.timestamp()
    assert told("billing_run_changes_total", change="issued") is not None
