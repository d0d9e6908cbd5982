"""What fails for one customer is theirs alone: the others' day goes on."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import asyncpg
import pytest

from chassis.db import pools
from chassis.events import Envelope
from chassis.ids import uuid7
from chassis.jobs import run
from services.billing import workflows
from services.billing.app import PROCESS
from services.billing.jobs import jobs
from services.billing.measures import measure
from tests.conftest import MakeDatabase
from tests.integration.billing_orders.stage import Person, Stage, days, running_billing
from tests.support.databases import ServiceDatabase
from tests.support.measured import measure_by, told

BEGUN = date(2027, 3, 5)
EXPIRY = date(2027, 4, 5)
#: What billing can't do for the customers of this table.
TRAP = """
    CREATE TABLE unlucky (customer_id uuid PRIMARY KEY);
    GRANT SELECT ON unlucky TO PUBLIC;
    CREATE FUNCTION spring() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF EXISTS (SELECT FROM unlucky WHERE customer_id = NEW.customer_id) THEN
            RAISE EXCEPTION 'the private matters of %', NEW.customer_id;
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER trap BEFORE INSERT OR UPDATE ON invoices
        FOR EACH ROW EXECUTE FUNCTION spring();
"""


@dataclass(frozen=True)
class Trap:
    """Lets the database refuse every change to some customers' invoices."""

    owner: asyncpg.Connection

    async def catch(self, *people: Person) -> None:
        ids = [(person.customer_id,) for person in people]
        await self.owner.executemany("INSERT INTO unlucky VALUES ($1)", ids)

    async def release(self) -> None:
        await self.owner.execute("TRUNCATE unlucky")


@pytest.fixture
async def database(make_database: MakeDatabase) -> ServiceDatabase:
    """One of the test's own: a trap is no row."""
    return await make_database(PROCESS)


@pytest.fixture
async def trap(stage: Stage, database: ServiceDatabase) -> AsyncGenerator[Trap]:
    assert stage  # The schema is there.
    async with connected(database) as owner:
        await owner.execute(TRAP)
        yield Trap(owner)


@asynccontextmanager
async def connected(database: ServiceDatabase) -> AsyncGenerator[asyncpg.Connection]:
    connection = await asyncpg.connect(
        database.owner_url, server_settings={"search_path": "billing, public"}
    )
    try:
        yield connection
    finally:
        await connection.close()


async def renewing(stage: Stage, number: int) -> list[Person]:
    """Return customers with a service each that expires on EXPIRY."""
    people = [await stage.customer() for _ in range(number)]
    for person in people:
        await stage.active_service(person, BEGUN)
    return people


async def tasks(stage: Stage) -> list[dict[str, Any]]:
    """Return what staff was asked to look at."""
    async with stage.db.reading() as tx:
        rows = await tx.fetch(
            "SELECT body FROM outbox WHERE type = 'billing.staff_task.raised.v1' "
            "ORDER BY seq"
        )
    return [Envelope.read(row["body"].encode()).data for row in rows]


async def run_by_the_clock(stage: Stage) -> str | None:
    """Let the timed run come; return what went wrong with it as a whole."""
    return await run(jobs["run_billing"], stage.billing.resources, run_id=uuid7())


async def runs(stage: Stage) -> list[dict[str, Any]]:
    """Return what is kept of runs, oldest first."""
    return (await stage.finance.get("/staff/billing-runs")).body["items"][::-1]


async def left_out(stage: Stage) -> float | None:
    """Return the number of customers that operators are told of."""
    await measure_by(measure, stage.db, stage.billing.clock)
    return told("billing_run_customers_failed")


async def test_all_others_are_renewed_and_the_next_run_tries_again(
    stage: Stage, trap: Trap
) -> None:
    people = await renewing(stage, 12)
    unlucky = [people[0], people[5], people[11]]
    await trap.catch(*unlucky)
    on = EXPIRY - days(10)
    report = await stage.run(on)
    assert (report["issued"], report["customers_failed"]) == (9, 3)
    for person in people:
        assert len(await person.invoices()) == (1 if person in unlucky else 2)
    again = await stage.run(on)
    assert (again["issued"], again["customers_failed"]) == (0, 3)
    await trap.release()
    mended = await stage.run(on)
    assert (mended["issued"], mended["customers_failed"]) == (3, 0)
    for person in unlucky:
        assert len(await person.invoices()) == 2


async def test_staff_is_told_once_of_whom_it_failed_for_and_reads_no_secrets(
    stage: Stage, trap: Trap
) -> None:
    [ana, _] = await renewing(stage, 2)
    await trap.catch(ana)
    for _ in range(3):
        await stage.run(EXPIRY - days(10))
    [task] = await tasks(stage)
    assert task["customer_id"] == str(ana.customer_id)
    assert task["title"] == "The daily run failed for a customer"
    assert "The renewal of services failed as of 2027-03-26" in task["details"]
    assert "private matters" not in task["details"]


async def test_a_timed_run_is_kept_when_its_failures_change(
    stage: Stage, trap: Trap
) -> None:
    [ana] = await renewing(stage, 1)
    await trap.catch(ana)
    await stage.set_date(EXPIRY - days(10))
    for _ in range(3):
        assert await run_by_the_clock(stage) is None
    assert [each["customers_failed"] for each in await runs(stage)] == [1]
    assert len(await tasks(stage)) == 1
    await trap.release()
    assert await run_by_the_clock(stage) is None
    assert await run_by_the_clock(stage) is None
    assert [(r["issued"], r["customers_failed"]) for r in await runs(stage)] == [
        (0, 1),
        (1, 0),
    ]


async def test_operators_see_how_many_it_fails_for_until_it_no_longer_does(
    stage: Stage, trap: Trap
) -> None:
    people = await renewing(stage, 3)
    assert await left_out(stage) == 0
    await trap.catch(*people[:2])
    await stage.set_date(EXPIRY - days(10))
    for _ in range(2):  # The second changes nothing, and isn't kept.
        assert await run_by_the_clock(stage) is None
        assert await left_out(stage) == 2
    await trap.release()
    assert await run_by_the_clock(stage) is None
    assert await left_out(stage) == 0


async def test_credit_and_cancellation_go_on_with_the_others_too(
    stage: Stage, trap: Trap
) -> None:
    await stage.set_date(BEGUN)
    ana, bia, eve, sam = [await stage.customer() for _ in range(4)]
    orders = {person: await person.order() for person in (ana, bia, eve, sam)}
    for person in (ana, bia):
        await stage.add_credit(person, "500.00")
    await trap.catch(ana, eve)
    report = await stage.run(BEGUN + days(30))
    assert (report["credit_applied"], report["orders_cancelled"]) == (1, 1)
    assert report["customers_failed"] == 2
    statuses = [
        (await person.invoice(order["invoice_id"]))["status"]
        for person, order in orders.items()
    ]
    assert statuses == ["open", "paid", "open", "void"]
    failed = {
        (task["customer_id"], task["details"].partition(" failed")[0])
        for task in await tasks(stage)
    }
    assert failed == {
        (str(ana.customer_id), "Paying due invoices from credit"),
        (str(ana.customer_id), "Cancelling unpaid orders"),
        (str(eve.customer_id), "Cancelling unpaid orders"),
    }


async def test_a_customer_who_is_held_too_long_is_passed_over_without_a_task(
    stage: Stage, database: ServiceDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    ana, bia = await renewing(stage, 2)
    monkeypatch.setitem(pools.SERVER_TIMEOUTS, "lock_timeout", "100ms")
    async with (
        running_billing(database) as hasty,
        connected(database) as other,
        other.transaction(),
    ):
        await other.execute(
            "SELECT FROM customers WHERE id = $1 FOR UPDATE", ana.customer_id
        )
        on = {"on": str(EXPIRY - days(10))}
        finance = Person(stage.finance.principal, hasty.client)
        report = (await finance.post("/staff/billing-runs", on)).body
    assert (report["issued"], report["customers_failed"]) == (1, 1)
    assert len(await bia.invoices()) == 2
    assert await tasks(stage) == []
    assert (await stage.run(EXPIRY - days(10)))["issued"] == 1


async def test_a_run_that_fails_for_too_many_has_failed_itself(
    stage: Stage, trap: Trap, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflows, "MAXIMUM_FAILURES", 2)
    people = await renewing(stage, 4)
    await trap.catch(*people[:3])
    await stage.set_date(EXPIRY - days(10))
    assert "the private matters" in (await run_by_the_clock(stage) or "")
    assert await runs(stage) == []
    await trap.release()
    assert (await stage.run(EXPIRY - days(10)))["customers_failed"] == 0
    for person in people:
        assert len(await person.invoices()) == 2
