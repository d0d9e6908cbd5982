"""From commit to effect: what is committed arrives, once, with its cause."""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from aio_pika import Queue

from chassis.context import Cause, because_of
from chassis.db import open_database
from chassis.ids import uuid7
from chassis.listener import Listener
from chassis.outbox import MAXIMUM_EVENT_CHARACTERS, EventTooLarge, ForeignEvent
from tests.integration.chassis.probe.app import PROCESS, ThingChanged, ThingUnread
from tests.integration.chassis.queues import delete_queue, depth, publish_again
from tests.integration.chassis.stage import (
    Stage,
    a_change,
    are_more_than,
    count_looks,
    until,
)
from tests.support.running import declare_queues


async def test_events_arrive_with_their_effects_once(stage: Stage) -> None:
    changes = [a_change() for _ in range(1000)]
    async with stage.running("relay", "consumers"):
        await stage.emit(*changes)
        await stage.quiet()
    assert sorted(await stage.effects()) == sorted((c.thing_id, 1) for c in changes)


async def test_an_effect_knows_the_request_that_caused_it(stage: Stage) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with stage.running("relay", "consumers"):
        with because_of(Cause("request-7", "request-7", "customer:1", trace)):
            await stage.emit(a_change())
        await stage.quiet()
    [effect] = await stage.fetch("SELECT * FROM effects")
    assert effect["correlation_id"] == "request-7"
    assert effect["traceparent"] == trace
    assert effect["actor"] == "system:probe"


async def test_a_rolled_back_transaction_announces_nothing(stage: Stage) -> None:
    async with stage.running("relay", "consumers"):
        with suppress(ZeroDivisionError):
            async with stage.db.transaction() as tx:
                await tx.emit(a_change())
                raise ZeroDivisionError
        kept = a_change()
        async with stage.db.transaction() as tx:
            with suppress(ZeroDivisionError):
                async with tx.savepoint():
                    await tx.emit(a_change())
                    raise ZeroDivisionError
            await tx.emit(kept)
        await stage.quiet()
    assert await stage.effects() == [(kept.thing_id, 1)]


async def test_a_message_delivered_five_times_has_one_effect(stage: Stage) -> None:
    changes = [a_change() for _ in range(20)]
    await stage.emit(*changes)
    for _ in range(5):
        await publish_again(stage)
    async with stage.running("relay", "consumers"):
        await stage.quiet()
        await until(lambda: is_empty(stage))
    assert sorted(await stage.effects()) == sorted((c.thing_id, 1) for c in changes)


async def test_a_projection_never_goes_back_whatever_the_order(stage: Stage) -> None:
    things = [uuid7() for _ in range(10)]
    changes = [a_change(t, version=v) for t in things for v in range(1, 11)]
    random.Random(7).shuffle(changes)  # noqa: S311 - one that can be repeated
    async with stage.running("relay", "consumers"):
        for change in changes:
            await stage.emit(change)
        await stage.quiet()
    rows = await stage.fetch("SELECT thing_id, version, name FROM things")
    assert {r["thing_id"]: (r["version"], r["name"]) for r in rows} == dict.fromkeys(
        things, (10, "v10")
    )


async def test_two_relays_lose_nothing_and_double_nothing(stage: Stage) -> None:
    changes = [a_change() for _ in range(3000)]
    async with stage.running("relay"), stage.running("relay"):
        for start in range(0, len(changes), 100):
            await stage.emit(*changes[start : start + 100])
        await until(stage.all_published)
    assert await depth(stage.amqp_url, "probe") == len(changes)


async def test_an_event_without_a_queue_waits_and_holds_up_no_other(
    stage: Stage,
) -> None:
    await delete_queue(stage.amqp_url, "probe")
    lonely = a_change()
    async with stage.running("relay"):
        await stage.emit(lonely)
        await later_ones_pass(stage)
        assert not await is_published(stage, lonely.thing_id)
        await declare_queues(stage.amqp_url, PROCESS)
        await until(lambda: is_published(stage, lonely.thing_id))
    assert await depth(stage.amqp_url, "probe") == 1


async def test_an_event_waits_for_its_reader_whoever_else_has_a_queue_for_it(
    stage: Stage,
) -> None:
    await delete_queue(stage.amqp_url, "probe")
    change = a_change()
    async with listening_too(stage), stage.running("relay"):
        await stage.emit(change)
        await later_ones_pass(stage)
        assert not await is_published(stage, change.thing_id)
        await declare_queues(stage.amqp_url, PROCESS)
        await until(stage.all_published)
    assert await depth(stage.amqp_url, "probe") == 1


async def test_an_event_waits_until_its_readers_queue_is_bound(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await delete_queue(stage.amqp_url, "probe")
    looks, bind = count_looks(monkeypatch), Queue.bind

    async def bind_late(queue: Queue, *arguments: Any, **options: Any) -> object:
        await until(partial(are_more_than, looks, len(looks) + 2))
        return await bind(queue, *arguments, **options)

    async with listening_too(stage), stage.running("relay"):
        await stage.emit(a_change())
        monkeypatch.setattr(Queue, "bind", bind_late)
        await declare_queues(stage.amqp_url, PROCESS)
        await until(stage.all_published)
    assert await depth(stage.amqp_url, "probe") == 1


@asynccontextmanager
async def listening_too(stage: Stage) -> AsyncGenerator[None]:
    """Listen to what changes: that keeps nothing, but the broker is content with it."""
    began = asyncio.Event()
    listener = Listener(
        stage.amqp_url, "test", [ThingChanged], hear=ignore, missed=began.set
    )
    async with listener.listening():
        await began.wait()
        yield


async def test_nothing_is_published_before_all_its_readers_have_queues(
    stage: Stage, bare_amqp_url: str
) -> None:
    # Another reader has its queue: the broker itself would miss nothing.
    others = replace(PROCESS, subscriptions={"other": (ThingChanged,)})
    await declare_queues(bare_amqp_url, others)
    change = a_change()
    await stage.emit(change)
    async with stage.running("relay", "consumers", amqp_url=bare_amqp_url):
        with pytest.raises(TimeoutError):
            await until(stage.all_published, within=1)
        await declare_queues(bare_amqp_url, PROCESS)
        await stage.quiet()
    assert await stage.effects() == [(change.thing_id, 1)]


async def test_a_version_is_announced_once(stage: Stage) -> None:
    change = a_change()
    await stage.emit(change)
    with pytest.raises(asyncpg.UniqueViolationError, match="outbox_version_key"):
        await stage.emit(change)


async def test_an_event_that_is_too_large_is_refused_where_it_is_emitted(
    stage: Stage,
) -> None:
    name = "x" * MAXIMUM_EVENT_CHARACTERS
    with pytest.raises(EventTooLarge):
        await stage.emit(ThingChanged(thing_id=uuid7(), version=1, name=name))


async def test_a_process_announces_nothing_in_anothers_name(stage: Stage) -> None:
    url = stage.database.url
    async with open_database(url, schema="other") as db, db.transaction() as tx:
        with pytest.raises(ForeignEvent):
            await tx.emit(a_change())


async def test_a_slowed_relay_holds_each_event_back(stage: Stage) -> None:
    async with stage.running("relay", "consumers", relay_delay_seconds=1.0):
        await stage.emit(a_change())
        await stage.quiet()
    [row] = await stage.fetch("SELECT published_at - emitted_at AS held FROM outbox")
    assert row["held"].total_seconds() >= 1.0


async def later_ones_pass(stage: Stage) -> None:
    """Return once an event has passed that no reader is waited for, emitted now."""
    unread = ThingUnread(thing_id=uuid7(), version=1)
    async with stage.db.transaction() as tx:
        await tx.emit(unread)
    await until(lambda: is_published(stage, unread.thing_id))


async def is_published(stage: Stage, thing_id: UUID) -> bool:
    rows = await stage.fetch(
        "SELECT 1 FROM outbox WHERE subject = $1 AND published_at IS NOT NULL", thing_id
    )
    return bool(rows)


async def is_empty(stage: Stage) -> bool:
    return await depth(stage.amqp_url, "probe") == 0


def ignore(*_heard: object) -> None:
    """Let it pass."""
