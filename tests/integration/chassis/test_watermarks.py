"""Reading what one has just written, although an event is still on its way."""

import asyncio
import time

from chassis.ids import uuid7
from tests.integration.chassis.queues import depth
from tests.integration.chassis.stage import Stage, a_change, until
from tests.support.running import Running

PARTS = ("http", "relay", "consumers")


async def test_what_is_on_its_way_is_waited_for(stage: Stage) -> None:
    change = a_change()
    async with stage.running(*PARTS, relay_delay_seconds=1.0) as probe:
        await stage.emit(change)
        assert await status_of(probe, change.thing_id) == 200


async def test_what_never_was_is_not_found_without_waiting_to_the_end(
    stage: Stage,
) -> None:
    async with stage.running(*PARTS) as probe:
        await until(lambda: has_watermark(stage))
        began = time.monotonic()
        assert await status_of(probe, uuid7()) == 404
        assert time.monotonic() - began < 1.8


async def test_under_steady_load_what_never_was_is_still_told_in_time(
    stage: Stage,
) -> None:
    async def keep_emitting(probe: Running) -> None:
        while True:
            async with probe.db.transaction() as tx:
                await tx.emit(a_change())

    async with stage.running(*PARTS) as probe:
        load = asyncio.create_task(keep_emitting(probe))
        await until(lambda: has_watermark(stage))
        assert await status_of(probe, uuid7()) == 404
        load.cancel()


async def test_nobody_is_told_that_something_is_not_there_while_events_lag(
    stage: Stage,
) -> None:
    change = a_change()
    async with stage.running("http", "consumers") as probe:
        await stage.emit(change)
        assert await status_of(probe, change.thing_id) == 503


async def test_nobody_is_told_that_something_is_not_there_while_it_is_being_retried(
    stage: Stage,
) -> None:
    change = a_change(fault="always")
    async with stage.running(*PARTS) as probe:
        await stage.emit(change)
        await until(lambda: has_watermark(stage))
        assert await status_of(probe, change.thing_id) == 503


async def test_a_watermark_never_runs_ahead_of_what_is_unpublished(
    stage: Stage,
) -> None:
    async with stage.running(*PARTS, relay_delay_seconds=1.5):
        await until(lambda: has_watermark(stage))
        await stage.emit(a_change())
        for _ in range(20):
            [row] = await stage.fetch(
                """
                SELECT (SELECT at FROM watermarks) <= emitted_at
                       OR EXISTS (SELECT FROM inbox) AS sound
                FROM outbox
                """
            )
            assert row["sound"]
            await asyncio.sleep(0.1)
        await stage.quiet()


async def test_watermarks_do_not_pile_up_where_nobody_consumes(stage: Stage) -> None:
    async with stage.running("relay"):
        await asyncio.sleep(1.2)  # two of them would have come
    assert await depth(stage.amqp_url, "probe") == 0


async def status_of(probe: Running, thing_id: object) -> int:
    return (await probe.client.get(f"/api/v1/things/{thing_id}")).status


async def has_watermark(stage: Stage) -> bool:
    return bool(await stage.fetch("SELECT 1 FROM watermarks"))
