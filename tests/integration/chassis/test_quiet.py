"""What goes on while nothing happens, and that it suffices once something does."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from uuid import UUID

import asyncpg
import pytest

from chassis import clockshift, watermarks
from chassis.events import Envelope, Event
from chassis.ids import uuid7
from chassis.listener import Listener
from tests.integration.chassis.probe.app import PROCESS, ThingChanged, ThingUnread
from tests.integration.chassis.queues import delete_queue
from tests.integration.chassis.stage import (
    Stage,
    a_change,
    are_more_than,
    count_looks,
    until,
)
from tests.support.running import Running, declare_queues, running

#: So seldom that nothing in these tests can be owed to it.
NEVER_SECONDS = 3600.0


async def test_readers_that_wait_for_nothing_get_no_watermarks(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = count_looks(monkeypatch)
    async with running(
        replace(PROCESS, waiting=()),
        database_url=stage.database.url,
        amqp_url=stage.amqp_url,
        parts=frozenset(("relay", "consumers")),
    ):
        await until(partial(are_more_than, looks, 3))  # each would have brought one
        await stage.emit(a_change())
        await stage.quiet()
    assert not await stage.fetch("SELECT 1 FROM watermarks")


async def test_a_queue_that_goes_while_nothing_happens_is_missed_by_the_next_event(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watermarks, "BUSY_SECONDS", 0.0)
    monkeypatch.setattr(watermarks, "QUIET_SECONDS", NEVER_SECONDS)
    looks, heard = count_looks(monkeypatch), list[None]()
    # One who listens keeps nothing, but the broker would take the event for it.
    listener = Listener(
        stage.amqp_url,
        "test",
        [ThingChanged],
        hear=ignore,
        missed=partial(heard.append, None),
    )
    change, unread = a_change(), ThingUnread(thing_id=uuid7(), version=1)
    async with listener.listening(), stage.running("relay"):
        await until(partial(are_more_than, heard, 0))
        await until(partial(are_more_than, looks, 5))
        await delete_queue(stage.amqp_url, "probe")
        async with stage.db.transaction() as tx:
            await tx.emit_many([change, unread])
        await until(lambda: is_published(stage, unread.thing_id))
        assert not await is_published(stage, change.thing_id)
        await declare_queues(stage.amqp_url, PROCESS)
        await until(lambda: is_published(stage, change.thing_id))


async def test_a_clock_is_followed_at_once_and_after_a_lost_connection_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clockshift, "REFRESH_SECONDS", NEVER_SECONDS)
    async with stage.running("http", sandbox_clock=True) as probe:
        await move(stage, 60)
        await until(lambda: has_moved(probe, 60))
        await terminate_all(stage)
        await move(stage, 120)
        await until(lambda: has_moved(probe, 120))


def ignore(_envelope: Envelope, _event: Event) -> None:
    """Hear, and do nothing about it."""


async def move(stage: Stage, seconds: float) -> None:
    async with stage.db.transaction() as tx:
        await clockshift.move(tx, seconds)


async def has_moved(probe: Running, seconds: float) -> bool:
    return probe.clock.shift == timedelta(seconds=seconds)


async def terminate_all(stage: Stage) -> None:
    """Cut every connection to the test's database."""
    admin = await asyncpg.connect(stage.database.admin_url)
    await admin.fetch(
        """
        SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
        """
    )
    await admin.close()


async def is_published(stage: Stage, thing_id: UUID) -> bool:
    rows = await stage.fetch(
        "SELECT 1 FROM outbox WHERE subject = $1 AND published_at IS NOT NULL", thing_id
    )
    return bool(rows)
