"""A queue whose arguments a release changes is made anew, and keeps all it has."""

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any

import pytest
from aiormq import Channel
from aiormq.abc import DeliveredMessage
from prometheus_client import REGISTRY

from chassis import remaking, topology
from chassis.bus import connect
from chassis.queues import Queue, declare_queue, state_of
from chassis.remaking import CannotRemake
from tests.integration.chassis.probe.app import PROCESS
from tests.integration.chassis.queues import a_channel, depth, put
from tests.integration.chassis.stage import Stage, a_change, until
from tests.support.running import declare_queues

BODIES = {f"message {number}".encode() for number in range(3)}
#: What changes something at the broker, on the way from one queue to the other.
STEPS = (
    *("exchange_declare", "exchange_delete"),
    *("queue_declare", "queue_bind", "queue_unbind", "queue_delete"),
    *("basic_publish", "basic_ack", "basic_cancel"),
)


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remaking, "IDLE_SECONDS", 0.05)


@pytest.fixture
def bare(stage: Stage, bare_amqp_url: str) -> Stage:
    """A stage without any queue."""
    return replace(stage, amqp_url=bare_amqp_url)


async def test_what_waits_in_a_queue_of_the_release_before_is_handled_by_this_one(
    bare: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = [a_change() for _ in range(500)]
    with the_release_before(monkeypatch):
        await declare_queues(bare.amqp_url, PROCESS)
        async with bare.running("relay"):
            await bare.emit(*changes)
            await until(bare.all_published)
    await declare_queues(bare.amqp_url, PROCESS)
    assert await depth(bare.amqp_url, "probe") == len(changes)
    async with bare.running("relay", "consumers"):
        await bare.quiet()
    assert await bare.effects() == [(c.thing_id, 1) for c in changes]


async def test_what_waits_for_its_retry_meanwhile_comes_back_to_the_new_queue(
    bare: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    change, before = a_change(fault="once"), retried()
    with the_release_before(monkeypatch):
        await declare_queues(bare.amqp_url, PROCESS)
        # By itself: beside a watermark its second try would come at once.
        async with bare.running("relay", "consumers", prefetch=1):
            await bare.emit(change)
            await until(partial(has_more_retries, before))
    await declare_queues(bare.amqp_url, PROCESS)
    async with bare.running("consumers"):
        await bare.quiet()
    assert await bare.effects() == [(change.thing_id, 1)]


async def test_whichever_step_is_the_last_the_next_run_goes_on_and_loses_nothing(
    bare: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await declare_queues(bare.amqp_url, PROCESS)
    for last in count():
        # To and fro: each is the other's release before.
        with the_release_before(monkeypatch, changed=last % 2 == 0):
            await put(bare.amqp_url, *BODIES)
            was_cut = await is_cut_off_at(last, bare, monkeypatch)
            await declare_queues(bare.amqp_url, PROCESS)
            assert await take_all(bare.amqp_url) == BODIES, last
            assert await is_as_wanted(bare), last
        if not was_cut:
            assert last > len(STEPS)
            return


async def test_this_release_waits_until_the_queues_are_as_it_needs_them(
    bare: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with the_release_before(monkeypatch):
        await declare_queues(bare.amqp_url, PROCESS)
    async with connect(bare.amqp_url, "test") as connection:
        subscriptions = PROCESS.subscriptions
        assert not await topology.is_declared(connection, subscriptions)
        await topology.declare(connection, subscriptions)
        assert await topology.is_declared(connection, subscriptions)


async def test_a_queue_that_is_consumed_stays_as_it_is_and_is_named(
    bare: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with the_release_before(monkeypatch):
        await declare_queues(bare.amqp_url, PROCESS)
        await put(bare.amqp_url, *BODIES)
    async with a_channel(bare.amqp_url) as channel:
        await channel.basic_consume("probe", ignore)
        with pytest.raises(
            CannotRemake, match=r"the queue probe .* stop the processes"
        ):
            await declare_queues(bare.amqp_url, PROCESS)
    await declare_queues(bare.amqp_url, PROCESS)
    assert await take_all(bare.amqp_url) == BODIES


@contextmanager
def the_release_before(
    monkeypatch: pytest.MonkeyPatch, *, changed: bool = True
) -> Generator[None]:
    """Have the probe's queue as it was before one could be served alone."""
    queues = topology.queues_of(PROCESS.subscriptions)
    if changed:
        queues[0] = replace(
            queues[0],
            arguments={
                name: value
                for name, value in queues[0].arguments.items()
                if name != "x-single-active-consumer"
            },
        )
    with monkeypatch.context() as patched:
        patched.setattr(topology, "queues_of", partial(returned, queues))
        yield


def returned(queues: list[Queue], _subscriptions: object) -> list[Queue]:
    return queues


async def is_cut_off_at(
    last: int, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> bool:
    """Declare, and fail at so many steps; False if there were fewer."""
    steps = count()

    def counted(step: Callable[..., Any]) -> Callable[..., Any]:
        async def take(channel: Channel, *args: Any, **options: Any) -> object:
            if not options.get("passive") and next(steps) == last:
                raise ConnectionError("cut off by a test")
            return await step(channel, *args, **options)

        return take

    with monkeypatch.context() as patched:
        for name in STEPS:
            patched.setattr(Channel, name, counted(getattr(Channel, name)))
        try:
            await declare_queues(stage.amqp_url, PROCESS)
        except ConnectionError:
            return True
    return False


async def is_as_wanted(stage: Stage) -> bool:
    [queue, *_] = topology.queues_of(PROCESS.subscriptions)
    async with connect(stage.amqp_url, "test") as connection:
        is_left = await state_of(connection, "probe.moving")
        return is_left is None and await declare_queue(
            connection, Queue(queue.name, queue.arguments)
        )


async def take_all(amqp_url: str) -> set[bytes]:
    """Take what is in the probe's queue, each as often as it is there."""
    taken: asyncio.Queue[DeliveredMessage] = asyncio.Queue()
    waiting = await depth(amqp_url, "probe")
    async with a_channel(amqp_url) as channel:
        await channel.basic_consume("probe", taken.put)
        messages = [await taken.get() for _ in range(waiting)]
        await channel.basic_ack(messages[-1].delivery_tag or 0, multiple=True)
    return {message.body for message in messages}


async def has_more_retries(before: float) -> bool:
    return retried() > before


def retried() -> float:
    """Return how often the broker has taken an event for its next attempt."""
    return REGISTRY.get_sample_value("events_retried_total", {"consumer": "probe"}) or 0


async def ignore(_message: DeliveredMessage) -> None:
    """Let it lie."""
