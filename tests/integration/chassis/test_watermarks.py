"""Reading what one has just written, although an event is still on its way."""

import asyncio
from datetime import UTC, datetime
from functools import partial
from itertools import count

import pytest

from chassis.http import waiting
from chassis.ids import uuid7
from tests.integration.chassis.queues import depth
from tests.integration.chassis.stage import (
    Stage,
    a_change,
    are_more_than,
    count_looks,
    until,
)
from tests.support.running import Running

PARTS = ("http", "relay", "consumers")


async def test_what_is_on_its_way_is_waited_for(stage: Stage) -> None:
    change = a_change()
    async with stage.running(*PARTS, relay_delay_seconds=0.5) as probe:
        await stage.emit(change)
        assert await status_of(probe, change.thing_id) == 200


async def test_what_never_was_is_not_found_without_waiting_to_the_end(
    stage: Stage,
) -> None:
    async with stage.running(*PARTS) as probe:
        # At the end of the wait it would be 503.
        assert await status_of(probe, uuid7()) == 404


async def test_under_steady_load_what_never_was_is_still_told_in_time(
    stage: Stage,
) -> None:
    async def keep_emitting(probe: Running, *, ahead: int) -> None:
        """Emit all the time, but never more than the reader can follow."""
        for emitted in count():
            async with probe.db.transaction() as tx:
                await tx.emit(a_change())
            while emitted - await handled(stage) > ahead:
                await asyncio.sleep(0.01)

    async with stage.running(*PARTS) as probe:
        load = asyncio.create_task(keep_emitting(probe, ahead=100))
        await until(lambda: handled(stage))
        assert await status_of(probe, uuid7()) == 404
        load.cancel()
        assert (await asyncio.gather(load, return_exceptions=True))[0] is not None
        assert load.cancelled()


async def test_nobody_is_told_that_something_is_not_there_while_events_lag(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "WAIT_SECONDS", 1.0)
    change = a_change()
    async with stage.running("http", "consumers") as probe:
        await stage.emit(change)
        assert await status_of(probe, change.thing_id) == 503


async def test_nobody_is_told_that_something_is_not_there_while_it_is_being_retried(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "WAIT_SECONDS", 1.0)
    change = a_change(fault="always")
    async with stage.running(*PARTS) as probe:
        await stage.emit(change)
        await until(lambda: has_watermark(stage))
        assert await status_of(probe, change.thing_id) == 503


async def test_a_watermark_never_runs_ahead_of_what_is_unpublished(
    stage: Stage,
) -> None:
    async with stage.running(*PARTS, relay_delay_seconds=1.0):
        await until(lambda: has_watermark(stage))
        await stage.emit(a_change())
        committed_at = datetime.now(UTC)
        while not await handled(stage):
            [row] = await stage.fetch(
                """
                SELECT at <= $1 OR EXISTS (SELECT FROM inbox) AS sound
                FROM watermarks
                """,
                committed_at,
            )
            assert row["sound"]
            await asyncio.sleep(0.02)


async def test_watermarks_do_not_pile_up_where_nobody_consumes(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = count_looks(monkeypatch)
    async with stage.running("relay"):
        await until(partial(are_more_than, looks, 3))  # each would have brought one
    assert await depth(stage.amqp_url, "probe") == 0


async def status_of(probe: Running, thing_id: object) -> int:
    return (await probe.client.get(f"/api/v1/things/{thing_id}")).status


async def handled(stage: Stage) -> int:
    """Return how many events were handled."""
    [row] = await stage.fetch("SELECT count(*) AS events FROM inbox")
    return row["events"]


async def has_watermark(stage: Stage) -> bool:
    return bool(await stage.fetch("SELECT 1 FROM watermarks"))
