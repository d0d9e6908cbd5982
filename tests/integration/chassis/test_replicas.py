"""Several replicas of one consumer: one is served, the others take over."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

import asyncpg
import pytest
from aio_pika.abc import AbstractConnection
from aiormq import Channel
from prometheus_client import REGISTRY

from chassis import receiver
from chassis.arrivals import Arrivals
from chassis.consumers import Consumers
from chassis.inbox import Inbox
from chassis.receiver import Receiver
from chassis.resources import Resources
from tests.integration.chassis.probe import app
from tests.integration.chassis.probe.app import PROCESS, ThingChanged
from tests.integration.chassis.queues import is_consumed
from tests.integration.chassis.stage import (
    Stage,
    a_change,
    are_more_than,
    count_looks,
    until,
)
from tests.support.running import Running


async def test_a_replica_stands_by_and_takes_over_from_one_that_is_killed(
    stage: Stage,
) -> None:
    before, after, handled = a_change(), a_change(), handled_here()
    async with stage.process("consumers") as served:
        await until(partial(is_consumed, stage))
        async with stage.running("relay", "consumers"):
            await until(partial(are_connected, 1))
            await stage.emit(before)
            await stage.quiet()
            assert handled_here() == handled
            served.kill()
            await stage.emit(after)
            await stage.quiet()
            assert handled_here() == handled + 1
    assert sorted(await stage.effects()) == sorted(
        (c.thing_id, 1) for c in (before, after)
    )


async def test_no_watermark_passes_an_event_that_another_replica_still_handles(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, changes = count_looks(monkeypatch), [a_change() for _ in range(3)]
    async with two_replicas(stage), stage.running("relay"):
        async with held_up(stage, changes[0]):
            await stage.emit(*changes)
            committed_at = datetime.now(UTC)
            await until(partial(is_held_up, stage, 1))
            await nothing_passes(stage, looks, committed_at)
        await stage.quiet()
    assert sorted(await stage.effects()) == sorted((c.thing_id, 1) for c in changes)


async def test_who_stops_lets_nobody_pass_what_it_has_begun(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, changes = count_looks(monkeypatch), [a_change() for _ in range(10)]
    left = note_leaving(monkeypatch)
    async with two_replicas(stage) as (served, _), stage.running("relay"):
        async with asyncio.TaskGroup() as tasks, held_up(stage, changes[0]):
            await stage.emit(changes[0])
            committed_at = datetime.now(UTC)
            await until(partial(is_held_up, stage, 1))
            await stage.emit(*changes[1:])
            await until(stage.all_published)
            tasks.create_task(served.stop())
            await until(partial(are_more_than, left, 0))
            await nothing_passes(stage, looks, committed_at)
        await stage.quiet()
    assert await stage.effects() == [(c.thing_id, 1) for c in changes]


async def test_who_has_lost_the_broker_lets_nobody_pass_what_it_still_handles(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    connections = note_connections(monkeypatch)
    looks, change = count_looks(monkeypatch), a_change()
    async with two_replicas(stage), stage.running("relay"):
        async with held_up(stage, change):
            await stage.emit(change)
            committed_at = datetime.now(UTC)
            await until(partial(is_held_up, stage, 1))
            await connections[0].close()
            # Whoever is served now has it too, and waits for the first's inbox row.
            await until(partial(is_held_up, stage, 2))
            await nothing_passes(stage, looks, committed_at)
        await stage.quiet()
    assert await stage.effects() == [(change.thing_id, 1)]


async def test_stopping_again_and_again_kills_no_event(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = [a_change() for _ in range(50)]
    async with stage.running("relay"):
        await stage.emit(*changes)
        await until(stage.all_published)
    monkeypatch.setattr(receiver, "Arrivals", one_at_a_time)
    for _ in changes:
        inbox = Inbox(PROCESS.consumers or Consumers(""), Resources(), stage.db)
        served = Receiver(stage.amqp_url, inbox, PROCESS.subscriptions)
        # It handles one, and gives back all the others that have come.
        monkeypatch.setattr(app, "misbehave", partial(stop, served))
        await served.run()
    assert await stage.effects() == [(c.thing_id, 1) for c in changes]


def stop(served: Receiver, _event: ThingChanged) -> None:
    served.stop()


def one_at_a_time(channel: Channel, *, limit: int) -> Arrivals:
    del limit
    return Arrivals(channel, limit=1)


@asynccontextmanager
async def two_replicas(stage: Stage) -> AsyncGenerator[tuple[Running, Running]]:
    """Run two; the first is served."""
    async with AsyncExitStack() as stack:
        replicas: list[Running] = []
        for number in (1, 2):
            running = stage.running("consumers")
            replicas.append(await stack.enter_async_context(running))
            await until(partial(are_connected, number))
        yield replicas[0], replicas[1]


@asynccontextmanager
async def held_up(stage: Stage, change: ThingChanged) -> AsyncGenerator[None]:
    """Let whoever handles the change wait until the block ends."""
    connection = await asyncpg.connect(stage.database.url)
    try:
        async with connection.transaction():
            await connection.execute(
                "INSERT INTO probe.things (thing_id, version, name) VALUES ($1, 0, '')",
                change.thing_id,
            )
            yield
    finally:
        await connection.close()


async def is_held_up(stage: Stage, count: int) -> bool:
    """Whether so many transactions wait for another one."""
    [row] = await stage.fetch(
        """
        SELECT count(DISTINCT here.pid) AS waiting
        FROM pg_locks here JOIN pg_locks waited USING (pid)
        JOIN pg_database ON pg_database.oid = here.database
        WHERE datname = current_database() AND NOT waited.granted
        """
    )
    return row["waiting"] == count


async def nothing_passes(
    stage: Stage, looks: list[None], committed_at: datetime
) -> None:
    """Let some watermarks come; see that none passes what hasn't been handled."""
    await until(partial(are_more_than, looks, len(looks) + 5))
    assert await stage.effects() == []
    assert not await stage.fetch("SELECT 1 FROM watermarks WHERE at > $1", committed_at)


def note_connections(monkeypatch: pytest.MonkeyPatch) -> list[AbstractConnection]:
    """Return a list of the consumers' connections, in the order they are made."""
    connections, connect = list[AbstractConnection](), receiver.connect

    @asynccontextmanager
    async def noting(*arguments: Any) -> AsyncGenerator[AbstractConnection]:
        async with connect(*arguments) as connection:
            connections.append(connection)
            yield connection

    monkeypatch.setattr(receiver, "connect", noting)
    return connections


async def are_connected(count: int) -> bool:
    """Whether so many replicas in this process are served or stand by."""
    labels = {"consumer": "probe"}
    return REGISTRY.get_sample_value("consumer_connected", labels) == count


def handled_here() -> float:
    """Return how many events this process has handled, in all its replicas."""
    labels = {"consumer": "probe", "type": ThingChanged.TYPE}
    return REGISTRY.get_sample_value("events_handled_total", labels) or 0


def note_leaving(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """Return a list that grows whenever a replica is told to stop."""
    left, leave = list[None](), Arrivals.leave

    def noting(arrivals: Arrivals) -> None:
        leave(arrivals)
        left.append(None)

    monkeypatch.setattr(Arrivals, "leave", noting)
    return left
