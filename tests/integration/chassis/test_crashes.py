"""Processes killed by -9, at the worst moments and at random: nothing is lost."""

import asyncio
import signal

import pytest

from tests.integration.chassis.probe.crashes import CRASH_POINTS
from tests.integration.chassis.stage import Stage, a_change, until

PARTS = ("http", "relay", "consumers")


@pytest.mark.parametrize("point", CRASH_POINTS)
async def test_a_crash_loses_nothing_and_doubles_nothing(
    stage: Stage, point: str
) -> None:
    changes = [a_change() for _ in range(20)]
    async with stage.process(*PARTS, CRASH_POINT=point) as dying:
        await stage.emit(*changes)
        assert await dying.wait() == -signal.SIGKILL
    async with stage.running(*PARTS):
        await stage.quiet()
    assert sorted(await stage.effects()) == sorted((c.thing_id, 1) for c in changes)


async def test_killing_the_process_again_and_again_under_load_loses_nothing(
    stage: Stage,
) -> None:
    changes = [a_change() for _ in range(2000)]

    async def emit_all() -> None:
        for start in range(0, len(changes), 10):
            await stage.emit(*changes[start : start + 10])
            await asyncio.sleep(0.01)

    async with asyncio.TaskGroup() as tasks:
        emitting = tasks.create_task(emit_all())
        for round_ in range(4):
            async with stage.process(*PARTS) as victim:
                await until(lambda r=round_: handled_more_than(stage, r * 150))
                victim.kill()
        await emitting
    async with stage.running(*PARTS):
        await stage.quiet()
    assert sorted(await stage.effects()) == sorted((c.thing_id, 1) for c in changes)


async def test_sigterm_finishes_what_was_begun_and_leaves_nothing_unacknowledged(
    stage: Stage,
) -> None:
    changes = [a_change() for _ in range(500)]
    async with stage.process(*PARTS) as process:
        await stage.emit(*changes)
        await until(lambda: handled_more_than(stage, 1))
        process.terminate()
        async with asyncio.timeout(60):
            assert await process.wait() == 0
    async with stage.running(*PARTS):
        await stage.quiet()
    assert sorted(await stage.effects()) == sorted((c.thing_id, 1) for c in changes)


async def handled_more_than(stage: Stage, count: int) -> bool:
    return len(await stage.effects()) > count
