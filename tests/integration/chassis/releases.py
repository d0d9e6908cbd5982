"""Releases that want the probe's queue otherwise, and what tests put there and take."""

from collections.abc import Collection, Generator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import pytest
from aiormq.abc import DeliveredMessage

from chassis import topology
from chassis.bus import Message, Publisher, connect
from chassis.queues import EXCHANGE, Queue, declare_queue, state_of
from tests.integration.chassis.probe.app import PROCESS, ThingChanged
from tests.integration.chassis.queues import a_channel
from tests.support.polling import until

MOVING = "probe.moving"


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
        patched.setattr(topology, "queues_of", partial(_returned, queues))
        yield


def _returned(queues: list[Queue], _subscriptions: object) -> list[Queue]:
    return queues


async def announce(amqp_url: str, body: bytes) -> None:
    """Publish it as an event; raises PublishError where no queue is bound for it."""
    async with connect(amqp_url, "test") as connection:
        publisher = await Publisher.open(connection)
        await publisher.publish(
            Message(
                exchange=EXCHANGE,
                routing_key=ThingChanged.TYPE,
                type=ThingChanged.TYPE,
                body=body,
                message_id=body.decode(),
            )
        )


async def take_all(amqp_url: str, wanted: Collection[bytes]) -> None:
    """Empty the probe's queue, once all that is wanted has come out of it.

    There may be more, as a message may be there twice. Raises TimeoutError where
    something doesn't come.
    """
    taken: set[bytes] = set()

    async def take(message: DeliveredMessage) -> None:
        taken.add(message.body)

    async def is_there() -> bool:
        return taken >= set(wanted)

    async with a_channel(amqp_url) as channel:
        # The broker gives back what somebody had in hand a moment after he is gone.
        await channel.basic_consume("probe", take, no_ack=True)
        await until(is_there)


async def is_there(amqp_url: str, queue: str) -> bool:
    async with connect(amqp_url, "test") as connection:
        return await state_of(connection, queue) is not None


async def is_as_wanted(amqp_url: str) -> bool:
    """Whether the probe's queue is as the release that runs now declares it."""
    [queue, *_] = topology.queues_of(PROCESS.subscriptions)
    async with connect(amqp_url, "test") as connection:
        return not await is_there(amqp_url, MOVING) and await declare_queue(
            connection, Queue(queue.name, queue.arguments)
        )
