"""A request waits for what an event on its way will bring, and not a moment longer."""

import asyncio
import itertools
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from chassis.db import Database, Transaction
from chassis.http import waiting
from chassis.http.waiting import Lagging, WaitingRoom

WANTED = "the projection"


async def find(tx: Transaction) -> str | None:
    return await tx.fetchval("SELECT name FROM effects WHERE name = $1", WANTED)


async def tell(database: Database, at: datetime) -> None:
    """Say that all of billing's events until then have arrived."""
    async with database.transaction() as tx:
        await tx.execute(
            """
            INSERT INTO watermarks (producer, at) VALUES ('billing', $1)
            ON CONFLICT (producer) DO UPDATE SET at = EXCLUDED.at
            """,
            at,
        )


async def arrive(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.execute("INSERT INTO effects (name) VALUES ($1)", WANTED)


class Looks:
    """How often it was looked for what is wanted; the test may come in between."""

    def __init__(self) -> None:
        self.count = 0
        self._waited_for = asyncio.Condition()

    async def find(self, tx: Transaction) -> str | None:
        found = await find(tx)
        async with self._waited_for:
            self.count += 1
            self._waited_for.notify_all()
        return found

    async def are_more_than(self, count: int) -> None:
        async with self._waited_for:
            await self._waited_for.wait_for(lambda: self.count > count)


@pytest.fixture(autouse=True)
def patience(patient: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody gives up while a busy machine takes its time."""
    del patient  # is outdone
    monkeypatch.setattr(waiting, "WAIT_SECONDS", 100.0)


@pytest.fixture
def impatience(patience: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits gives up after a few looks."""
    del patience  # is undone
    monkeypatch.setattr(waiting, "WAIT_SECONDS", 0.3)


async def test_what_is_there_is_found_at_once_however_the_events_lag(
    database: Database,
) -> None:
    await arrive(database)
    looks, since = Looks(), datetime.now(UTC)
    assert await WaitingRoom().wait_for(
        database, looks.find, of="billing", since=since, caller="a"
    )
    assert looks.count == 1


async def test_what_arrives_meanwhile_is_found(database: Database) -> None:
    looks, since = Looks(), datetime.now(UTC)
    async with asyncio.TaskGroup() as group:
        waiter = WaitingRoom().wait_for(
            database, looks.find, of="billing", since=since, caller="a"
        )
        found = group.create_task(waiter)
        await looks.are_more_than(2)
        await arrive(database)
    assert found.result() == WANTED


async def test_what_will_never_come_is_known_when_the_producer_is_up_to_date(
    database: Database,
) -> None:
    looks, since = Looks(), datetime.now(UTC)
    async with asyncio.TaskGroup() as group:
        waiter = WaitingRoom().wait_for(
            database, looks.find, of="billing", since=since, caller="a"
        )
        found = group.create_task(waiter)
        await looks.are_more_than(2)
        assert not found.done()
        await tell(database, since + timedelta(milliseconds=1))
    assert found.result() is None


@pytest.mark.usefixtures("impatience")
async def test_an_old_watermark_proves_nothing(database: Database) -> None:
    looks, since = Looks(), datetime.now(UTC)
    await tell(database, since)
    with pytest.raises(Lagging):
        await WaitingRoom().wait_for(
            database, looks.find, of="billing", since=since, caller="a"
        )
    assert looks.count > 1


@pytest.mark.usefixtures("impatience")
async def test_another_producers_watermark_proves_nothing(database: Database) -> None:
    since = datetime.now(UTC)
    await tell(database, since + timedelta(seconds=1))
    with pytest.raises(Lagging):
        await WaitingRoom().wait_for(
            database, find, of="accounts", since=since, caller="a"
        )


async def test_beyond_the_cap_nobody_waits(database: Database) -> None:
    room = WaitingRoom(capacity=2)
    since = datetime.now(UTC)

    async def wait() -> str | None:
        return await room.wait_for(
            database, find, of="billing", since=since, caller="a"
        )

    async with asyncio.TaskGroup() as group:
        flood = [group.create_task(_refused(wait())) for _ in range(5)]
        for done in itertools.islice(asyncio.as_completed(flood), 3):
            assert await done
        # The other two have found a place, and would wait for long.
        assert [task.done() for task in flood].count(False) == 2
        await arrive(database)
    assert [task.result() for task in flood].count(True) == 3
    assert await wait() == WANTED


async def test_one_callers_flood_leaves_room_for_others(database: Database) -> None:
    room = WaitingRoom(capacity=10, of_one=2)
    since = datetime.now(UTC)

    async def wait(caller: str) -> str | None:
        return await room.wait_for(
            database, find, of="billing", since=since, caller=caller
        )

    async with asyncio.TaskGroup() as group:
        flood = [group.create_task(_refused(wait("a"))) for _ in range(5)]
        # Three are turned away at once; the places of the others are taken.
        for done in itertools.islice(asyncio.as_completed(flood), 3):
            await done
        other = group.create_task(wait("b"))
        await asyncio.sleep(0)
        await arrive(database)
        assert await other == WANTED
    assert [task.result() for task in flood].count(True) == 3
    assert await wait("a") == WANTED


async def _refused(waiting: Awaitable[str | None]) -> bool:
    try:
        await waiting
    except Lagging:
        return True
    return False


@pytest.mark.usefixtures("impatience")
async def test_a_foreign_id_and_an_unknown_one_are_waited_for_alike(
    database: Database,
) -> None:
    """Both are looked for by owner, so that neither is found; both wait to the end."""
    async with database.transaction() as tx:
        await tx.execute("INSERT INTO effects (name) VALUES ('foreign')")
    owner = UUID(int=1)
    for name in ("foreign", "unknown"):
        looks = 0

        async def find_own(tx: Transaction, name: str = name) -> str | None:
            nonlocal looks
            looks += 1
            return await tx.fetchval(
                "SELECT name FROM effects WHERE name = $1 AND $2::uuid IS NULL",
                name,
                owner,
            )

        with pytest.raises(Lagging):
            await WaitingRoom().wait_for(
                database,
                find_own,
                of="billing",
                since=datetime.now(UTC),
                caller="a",
            )
        assert looks > 1
