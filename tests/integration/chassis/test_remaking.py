"""A queue whose arguments a release changes is made anew, and keeps all it has."""

from dataclasses import replace
from functools import partial

import pytest
from aiormq.abc import DeliveredMessage
from prometheus_client import REGISTRY

from chassis import remaking, topology
from chassis.bus import connect
from chassis.remaking import CannotRemake
from tests.integration.chassis.probe.app import PROCESS
from tests.integration.chassis.queues import a_channel, depth, put
from tests.integration.chassis.releases import take_all, the_release_before
from tests.integration.chassis.stage import Stage, a_change, until
from tests.support.running import declare_queues

BODIES = {f"message {number}".encode() for number in range(3)}


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
    await take_all(bare.amqp_url, BODIES)


async def has_more_retries(before: float) -> bool:
    return retried() > before


def retried() -> float:
    """Return how often the broker has taken an event for its next attempt."""
    return REGISTRY.get_sample_value("events_retried_total", {"consumer": "probe"}) or 0


async def ignore(_message: DeliveredMessage) -> None:
    """Let it lie."""
