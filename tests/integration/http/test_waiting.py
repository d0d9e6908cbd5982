"""A request waits for what an event on its way will bring, and not a moment longer."""

import asyncio
import itertools
import time
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from chassis.db import Database, Transaction
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


async def test_what_is_there_is_found_at_once_however_the_events_lag(
    database: Database,
) -> None:
    await arrive(database)
    since = datetime.now(UTC)
    started = time.monotonic()
    assert await WaitingRoom().wait_for(
        database, find, of="billing", since=since, caller="a"
    )
    assert time.monotonic() - started < 1


async def test_what_arrives_meanwhile_is_found(database: Database) -> None:
    since = datetime.now(UTC)

    async def later() -> None:
        await asyncio.sleep(0.3)
        await arrive(database)

    async with asyncio.TaskGroup() as group:
        group.create_task(later())
        found = await WaitingRoom().wait_for(
            database, find, of="billing", since=since, caller="a"
        )
    assert found == WANTED


async def test_what_will_never_come_is_known_when_the_producer_is_up_to_date(
    database: Database,
) -> None:
    since = datetime.now(UTC)

    async def later() -> None:
        await asyncio.sleep(0.3)
        await tell(database, since + timedelta(milliseconds=1))

    started = time.monotonic()
    async with asyncio.TaskGroup() as group:
        group.create_task(later())
        found = await WaitingRoom().wait_for(
            database, find, of="billing", since=since, caller="a"
        )
    assert found is None
    assert 0.3 <= time.monotonic() - started < 1.5


async def test_an_old_watermark_proves_nothing(database: Database) -> None:
    since = datetime.now(UTC)
    await tell(database, since)
    started = time.monotonic()
    with pytest.raises(Lagging):
        await WaitingRoom().wait_for(
            database, find, of="billing", since=since, caller="a"
        )
    assert 1.9 < time.monotonic() - started < 4


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

    async def seconds() -> float:
        started = time.monotonic()
        with pytest.raises(Lagging):
            await room.wait_for(database, find, of="billing", since=since, caller="a")
        return time.monotonic() - started

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(seconds()) for _ in range(5)]
    times = sorted(task.result() for task in tasks)
    assert times[2] < 1 < times[3]
    await arrive(database)
    assert await room.wait_for(database, find, of="billing", since=since, caller="a")


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


async def test_a_foreign_id_and_an_unknown_one_take_equally_long(
    database: Database,
) -> None:
    """Both are looked for by owner, so that neither is found; both wait alike."""
    async with database.transaction() as tx:
        await tx.execute("INSERT INTO effects (name) VALUES ('foreign')")
    owner = UUID(int=1)

    async def seconds(name: str) -> float:
        async def find_own(tx: Transaction) -> str | None:
            return await tx.fetchval(
                "SELECT name FROM effects WHERE name = $1 AND $2::uuid IS NULL",
                name,
                owner,
            )

        since = datetime.now(UTC)
        started = time.monotonic()
        with pytest.raises(Lagging):
            await WaitingRoom().wait_for(
                database, find_own, of="billing", since=since, caller="a"
            )
        return time.monotonic() - started

    assert abs(await seconds("foreign") - await seconds("unknown")) < 0.3
