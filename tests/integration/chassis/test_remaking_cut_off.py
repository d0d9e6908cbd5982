"""Whatever ends a run that makes a queue anew, and wherever, no event is lost."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any

import pytest
from aiormq import Channel
from aiormq.abc import DeliveredMessage

from chassis import remaking
from chassis.remaking import CannotRemake
from tests.integration.chassis.probe.app import PROCESS
from tests.integration.chassis.queues import a_channel, put
from tests.integration.chassis.releases import (
    MOVING,
    announce,
    is_as_wanted,
    is_there,
    take_all,
    the_release_before,
)
from tests.integration.chassis.stage import Stage
from tests.support.running import declare_queues

#: What changes something at the broker, on the way from one queue to the other.
STEPS = (
    *("exchange_declare", "exchange_delete"),
    *("queue_declare", "queue_bind", "queue_unbind", "queue_delete"),
    *("basic_publish", "basic_ack", "basic_cancel"),
)
FAILED, CANCELLED, KILLED = "failed", "cancelled", "killed"


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remaking, "IDLE_SECONDS", 0.05)


@pytest.fixture
async def bare(stage: Stage, bare_amqp_url: str) -> Stage:
    """A stage with the queues of this release alone."""
    await declare_queues(bare_amqp_url, PROCESS)
    return replace(stage, amqp_url=bare_amqp_url)


async def test_after_a_run_that_was_killed_at_any_step_the_next_goes_on(
    bare: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for last in count():
        await put(bare.amqp_url, *(bodies := bodies_of(last)))
        # To and fro: each is the other's release before.
        with the_release_before(monkeypatch, changed=last % 2 == 0):
            step = await cut_off(bare, monkeypatch, KILLED, partial(is_number, last))
            # Would be refused if it went to neither of the two queues.
            await announce(bare.amqp_url, meanwhile := f"{last} meanwhile".encode())
            await declare_queues(bare.amqp_url, PROCESS)
            await take_all(bare.amqp_url, {*bodies, meanwhile})
            assert await is_as_wanted(bare.amqp_url), last
        if step is None:
            assert last > len(STEPS)
            return


@pytest.mark.parametrize("how", [FAILED, CANCELLED])
async def test_a_run_that_ends_before_it_deletes_the_queue_leaves_all_in_it(
    bare: Stage, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    with the_release_before(monkeypatch):
        for last in count():
            await put(bare.amqp_url, *(bodies := bodies_of(last)))
            step = await cut_off(bare, monkeypatch, how, partial(is_number, last))
            if step == "queue_delete":
                await declare_queues(bare.amqp_url, PROCESS)
                await take_all(bare.amqp_url, bodies)
                assert last > len(STEPS)
                return
            await announce(bare.amqp_url, after := f"{last} after".encode())
            await take_all(bare.amqp_url, {*bodies, after})
            assert not await is_there(bare.amqp_url, MOVING), last


async def test_a_process_that_comes_in_the_middle_goes_on_with_all_it_had(
    bare: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(bare.amqp_url, *(bodies := bodies_of(0)))
    async with a_channel(bare.amqp_url) as channel:
        with the_release_before(monkeypatch), monkeypatch.context() as patched:
            take_part_once_moved(patched, channel)
            with pytest.raises(CannotRemake, match=r"the queue probe .* stop the"):
                await declare_queues(bare.amqp_url, PROCESS)
    await announce(bare.amqp_url, b"after")
    await take_all(bare.amqp_url, {*bodies, b"after"})
    assert await is_as_wanted(bare.amqp_url)


async def test_processes_that_go_on_after_a_kill_have_all_again_once_a_run_refuses(
    bare: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(bare.amqp_url, *(bodies := bodies_of(0)))
    with the_release_before(monkeypatch):
        await cut_off(bare, monkeypatch, KILLED, is_deletion)
        await announce(bare.amqp_url, b"meanwhile")
        async with a_channel(bare.amqp_url) as channel:
            await channel.basic_consume("probe", ignore)
            with pytest.raises(CannotRemake, match=r"the queue probe .* stop the"):
                await declare_queues(bare.amqp_url, PROCESS)
    await announce(bare.amqp_url, b"after")
    await take_all(bare.amqp_url, {*bodies, b"meanwhile", b"after"})
    assert await is_as_wanted(bare.amqp_url)


def bodies_of(number: int) -> set[bytes]:
    return {f"{number} message {each}".encode() for each in range(3)}


def is_number(last: int, number: int, _step: str) -> bool:
    return number == last


def is_deletion(_number: int, step: str) -> bool:
    return step == "queue_delete"


async def cut_off(
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
    is_last: Callable[[int, str], bool],
) -> str | None:
    """Declare, and end it at one of its steps; return which, None if it wasn't one.

    If killed it can't do anything more; if it failed at that, it can go on; it is
    cancelled when the broker has been asked, and its answer isn't here yet.
    """
    steps, cut = count(), list[str]()
    declaring = asyncio.ensure_future(declare_queues(stage.amqp_url, PROCESS))

    def ending(name: str) -> Callable[..., Any]:
        step = getattr(Channel, name)

        async def take(channel: Channel, *args: Any, **options: Any) -> object:
            if options.get("passive"):
                return await step(channel, *args, **options)
            if not cut and is_last(next(steps), name):
                cut.append(name)
                if how == CANCELLED:
                    declaring.cancel()
                    return await step(channel, *args, **options)
            elif not cut or how != KILLED:
                return await step(channel, *args, **options)
            raise ConnectionError("cut off by a test")

        return take

    with monkeypatch.context() as patched:
        for name in STEPS:
            patched.setattr(Channel, name, ending(name))
        with suppress(ConnectionError, asyncio.CancelledError):
            await declaring
    return cut[0] if cut else None


def take_part_once_moved(monkeypatch: pytest.MonkeyPatch, channel: Channel) -> None:
    """Consume the queue from the moment on that it has been emptied."""
    cancel, came = Channel.basic_cancel, list[Channel]()

    async def and_come(emptying: Channel, *args: Any, **options: Any) -> object:
        answer = await cancel(emptying, *args, **options)
        if not came:
            came.append(channel)
            await channel.basic_consume("probe", ignore)
        return answer

    monkeypatch.setattr(Channel, "basic_cancel", and_come)


async def ignore(_message: DeliveredMessage) -> None:
    """Let it lie."""
