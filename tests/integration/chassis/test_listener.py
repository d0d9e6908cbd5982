"""A listener hears what happens while it listens, and of every gap in that."""

import asyncio
import threading
from dataclasses import dataclass, field
from uuid import UUID

import pytest

from chassis.bus import Message, Publisher, connect
from chassis.events import Envelope, Event
from chassis.listener import PREFETCH, Listener
from chassis.outbox import row_of
from chassis.topology import EXCHANGE
from tests.conftest import MakeQueues
from tests.integration.chassis.probe.app import PROCESS, ThingChanged
from tests.integration.chassis.stage import QUIET_SECONDS, a_change, until


@dataclass
class Ear:
    """What was heard, in order; None where something may have been missed."""

    heard: list[UUID | None] = field(default_factory=list[UUID | None])
    #: While it isn't set, whoever hears holds up all of its loop.
    may_go_on: threading.Event = field(default_factory=threading.Event)

    def hear(self, _envelope: Envelope, event: Event) -> None:
        assert self.may_go_on.wait(QUIET_SECONDS)
        self.heard.append(event.subject)

    def missed(self) -> None:
        self.heard.append(None)

    def __post_init__(self) -> None:
        self.may_go_on.set()

    async def has_missed(self, times: int) -> bool:
        return self.heard.count(None) >= times

    async def has(self, *expected: UUID | None) -> bool:
        return self.heard[-len(expected) :] == list(expected)


@pytest.fixture
async def amqp_url(make_queues: MakeQueues) -> str:
    return await make_queues(PROCESS)


async def test_it_hears_what_happens_and_is_told_where_that_begins(
    amqp_url: str,
) -> None:
    ear, changes = Ear(), [a_change() for _ in range(3)]
    await publish(amqp_url, message_of(a_change()))  # before anybody listens
    async with a_listener(amqp_url, ear).listening():
        await until(lambda: ear.has(None))
        await publish(amqp_url, *map(message_of, changes))
        await until(lambda: ear.has(None, *(change.thing_id for change in changes)))


async def test_what_it_cannot_read_is_missed_and_the_next_is_heard(
    amqp_url: str,
) -> None:
    ear, change = Ear(), a_change()
    async with a_listener(amqp_url, ear).listening():
        await until(lambda: ear.has(None))
        nonsense = message_of(a_change(), body=b"nonsense")
        await publish(amqp_url, nonsense, message_of(change))
        await until(lambda: ear.has(None, None, change.thing_id))


async def test_far_behind_it_begins_anew_instead_of_skipping_in_silence(
    amqp_url: str,
) -> None:
    ear, changes = Ear(), [a_change() for _ in range(3 * PREFETCH)]
    messages = [message_of(change) for change in changes]

    def publish_all() -> None:
        asyncio.run(publish(amqp_url, *messages))
        ear.may_go_on.set()

    async with a_listener(amqp_url, ear, longest_queue=20).listening():
        await until(lambda: ear.has(None))
        # From elsewhere, as a slow listener holds up whoever shares its loop.
        ear.may_go_on.clear()
        await asyncio.to_thread(publish_all)
        await until(lambda: ear.has_missed(2))
        last = a_change()
        await publish(amqp_url, message_of(last))
        await until(lambda: ear.has(last.thing_id))
    before = ear.heard[1 : ear.heard.index(None, 1)]
    assert before == [change.thing_id for change in changes][: len(before)]


async def publish(amqp_url: str, *messages: Message) -> None:
    async with connect(amqp_url, "test") as connection:
        publisher = await Publisher.open(connection)
        assert not any(await publisher.publish_all(messages))


def a_listener(amqp_url: str, ear: Ear, longest_queue: int = 1000) -> Listener:
    return Listener(
        amqp_url,
        "probe",
        [ThingChanged],
        hear=ear.hear,
        missed=ear.missed,
        longest_queue=longest_queue,
    )


def message_of(event: ThingChanged, body: bytes | None = None) -> Message:
    row = row_of(event, "probe")
    return Message(
        exchange=EXCHANGE,
        routing_key=event.TYPE,
        type=event.TYPE,
        body=body or str(row[9]).encode(),
        message_id=str(row[0]),
    )
