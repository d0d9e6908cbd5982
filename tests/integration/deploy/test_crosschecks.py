"""Each comparison across services finds what it is there to find."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from chassis.db import Database, open_database
from chassis.ids import uuid7
from deploy.crosschecks import cross_checks
from deploy.postgres.bootstrap import AUDITOR
from deploy.processes import SERVICES
from tests.integration.deploy.installations import Installed, administer

NAMES = [process.name for process in SERVICES]
PAID = "billing.invoice.paid.v1"


class Whole:
    """The four schemas in one database; the tests put faults into it."""

    def __init__(
        self, superuser: asyncpg.Connection, read: dict[str, Database]
    ) -> None:
        self.superuser = superuser
        self._read = read

    async def violations(self) -> dict[str, list[str]]:
        """Return the checks that disagree, with what they found."""
        found = await cross_checks(self._read)
        return {name: r.violations for name, r in found.items() if r.violations}

    async def emitted(
        self, type_: str = PAID, *, minutes_ago: int | None = None
    ) -> UUID:
        """Put an event into billing's outbox; unpublished since, if that is given."""
        event_id = uuid7()
        await self.superuser.execute(
            """
            INSERT INTO billing.outbox (event_id, type, aggregate, subject, version,
                republished, correlation_id, causation_id, actor, body, emitted_at,
                published_at)
            VALUES ($1, $2, 'billing.invoice', $3, 1, false, 'c', 'c', 'test', '{}',
                now() - make_interval(mins => coalesce($4, 0)),
                CASE WHEN $4 IS NULL THEN now() END)
            """,
            event_id,
            type_,
            uuid4(),
            minutes_ago,
        )
        return event_id

    async def tickets_reads(self, *, since: datetime | None) -> None:
        """Let tickets read PAID since that instant; None: it is only about to."""
        sql = "UPDATE tickets.readings SET since = $2 WHERE type = $1"
        await self.superuser.execute(sql, PAID, since)

    async def handled(self, consumer: str, event_id: UUID) -> None:
        await self.superuser.execute(
            f"INSERT INTO {consumer}.inbox (consumer, event_id, type)"  # noqa: S608 - ours
            " VALUES ($1, $2, $3)",
            consumer,
            event_id,
            PAID,
        )


@pytest.fixture
async def whole(installed: Installed) -> AsyncGenerator[Whole]:
    name = f"whole_{uuid4().hex}"
    urls = installed.urls(name)
    await administer(
        installed.servers, f"CREATE DATABASE {name} TEMPLATE {installed.migrated}"
    )
    try:
        async with AsyncExitStack() as stack:
            read = {
                service: await stack.enter_async_context(
                    open_database(urls[AUDITOR], schema=service, pool_size=2)
                )
                for service in NAMES
            }
            superuser = await asyncpg.connect(installed.servers.postgres, database=name)
            stack.push_async_callback(superuser.close)
            yield Whole(superuser, read)
    finally:
        await administer(installed.servers, f"DROP DATABASE {name} WITH (FORCE)")


async def test_nothing_is_found_where_nothing_is_wrong(whole: Whole) -> None:
    event_id = await whole.emitted()
    await whole.handled("tickets", event_id)
    assert await whole.violations() == {}


async def test_an_event_that_a_reader_missed_is_found(whole: Whole) -> None:
    event_id = await whole.emitted()
    assert await whole.violations() == {
        "no event is lost": [f"tickets has not handled {PAID} {event_id}"]
    }


async def test_what_was_published_before_its_reader_began_to_read_it_is_not_missed(
    whole: Whole,
) -> None:
    event_id = await whole.emitted()
    published_at: datetime = await whole.superuser.fetchval(
        "SELECT published_at FROM billing.outbox WHERE event_id = $1", event_id
    )
    await whole.tickets_reads(since=published_at + timedelta(microseconds=1))
    assert await whole.violations() == {}
    await whole.tickets_reads(since=published_at)
    assert list(await whole.violations()) == ["no event is lost"]


async def test_what_waits_in_the_outbox_is_awaited_by_whoever_reads_it_by_now(
    whole: Whole,
) -> None:
    await whole.tickets_reads(since=datetime.now(UTC) + timedelta(hours=1))
    event_id = await whole.emitted(minutes_ago=0)
    assert await whole.violations() == {
        "no event is lost": [f"tickets has not handled {PAID} {event_id}"]
    }


async def test_a_reader_that_began_to_read_nobody_knows_when_is_found(
    whole: Whole,
) -> None:
    sql = "DELETE FROM tickets.readings WHERE type = $1"
    await whole.superuser.execute(sql, PAID)
    await asks_for_migrate(whole)


async def test_a_reader_whose_migrate_was_cut_off_before_all_was_bound_is_found(
    whole: Whole,
) -> None:
    await whole.tickets_reads(since=None)
    await whole.emitted()
    await asks_for_migrate(whole)


async def asks_for_migrate(whole: Whole) -> None:
    assert await whole.violations() == {
        "no event is lost": [
            f"since when tickets reads {PAID} is not noted: run `migrate`"
        ]
    }


async def test_an_event_that_stays_unpublished_is_found(whole: Whole) -> None:
    event_id = await whole.emitted("billing.payment.cancelled.v1", minutes_ago=2)
    found = await whole.violations()
    assert list(found) == ["no event is stuck"]
    assert str(event_id) in found["no event is stuck"][0]


async def test_an_event_that_nobody_emitted_is_found(whole: Whole) -> None:
    known = await whole.emitted()
    await whole.handled("tickets", known)
    ghost = uuid7()
    await whole.handled("tickets", ghost)
    found = await whole.violations()
    assert list(found) == ["no event was invented"]
    assert str(ghost) in found["no event was invented"][0]


async def test_a_projection_that_is_behind_or_knows_too_much_is_found(
    whole: Whole,
) -> None:
    ticket_id = uuid7()
    await whole.superuser.execute(
        "INSERT INTO billing.tickets (id, version, department, status)"
        " VALUES ($1, 3, 'finance', 'open')",
        ticket_id,
    )
    found = await whole.violations()
    assert found == {
        "projections are current": [f"billing knows {ticket_id}, tickets doesn't"]
    }
