"""Watermarks: up to which instant all events of a producer have been published.

A reader that got a watermark has got every event committed before that instant: both
travel through the same queue, and the watermark is sent after the events are confirmed.
"""

import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime

from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import ChannelNotFoundEntity
from aiormq import spec

from chassis.bus import ProtocolChannel, protocol_of, sleep_unless
from chassis.db import Database
from chassis.errors import Unavailable

EVERY_SECONDS = 0.5
#: A reader that is so far behind has no use for watermarks; they would only pile up.
LONGEST_QUEUE = 1000
_SUFFIX = ".watermark.v1"
_TRANSIENT = 1


def is_watermark(message_type: str | None) -> bool:
    return message_type is not None and message_type.endswith(_SUFFIX)


def read(body: bytes) -> tuple[str, datetime]:
    """Return the producer and the instant."""
    mark = json.loads(body)
    return mark["producer"], datetime.fromisoformat(mark["at"])


class Readers:
    """A producer's readers, by their queues; `absent` are those that have none."""

    def __init__(self, connection: AbstractConnection, queues: Sequence[str]) -> None:
        self._connection = connection
        self._queues = queues
        self._channel: ProtocolChannel | None = None
        self.absent: set[str] = set()

    async def look(self) -> list[str]:
        """Return who consumes and isn't far behind, and note whose queue is missing."""
        states = {queue: await self._state_of(queue) for queue in self._queues}
        self.absent = {queue for queue, state in states.items() if state is None}
        # Without a consumer watermarks would pile up, as well as far behind.
        return [
            queue
            for queue, state in states.items()
            if state is not None
            and state.consumer_count
            and (state.message_count or 0) < LONGEST_QUEUE
        ]

    async def tell(self, queue: str, message_type: str, body: bytes) -> None:
        channel = await self._open_channel()
        await channel.basic_publish(
            body,
            routing_key=queue,
            properties=spec.Basic.Properties(
                message_type=message_type, delivery_mode=_TRANSIENT
            ),
            wait=False,
        )

    async def _state_of(self, queue: str) -> spec.Queue.DeclareOk | None:
        channel = await self._open_channel()
        try:
            return await channel.queue_declare(queue, passive=True)
        except ChannelNotFoundEntity:
            # The answer costs this channel, which carries no event.
            self._channel = None
            return None

    async def _open_channel(self) -> ProtocolChannel:
        if self._channel is None:
            channel = await self._connection.channel(publisher_confirms=False)
            self._channel = await protocol_of(channel)
        return self._channel


async def send_forever(
    readers: Readers, database: Database, producer: str, stopping: asyncio.Event
) -> None:
    """Tell the readers, twice a second, how far this producer has got."""
    while not stopping.is_set():
        await _send(readers, database, producer)
        await sleep_unless(stopping, EVERY_SECONDS)


async def _send(readers: Readers, database: Database, producer: str) -> None:
    consuming = await readers.look()
    try:
        at = await _published_until(database)
    except Unavailable:
        return
    body = json.dumps({"producer": producer, "at": at.isoformat()}).encode()
    for queue in consuming:
        await readers.tell(queue, producer + _SUFFIX, body)


async def _published_until(database: Database) -> datetime:
    """Return the instant before which all that was committed has been published.

    An event is emitted before it is committed. So what was committed before the
    oldest unpublished event was emitted has been published, or it would be older.
    """
    before = datetime.now(UTC)
    oldest = await database.fetchval(
        "SELECT min(emitted_at) FROM outbox WHERE published_at IS NULL"
    )
    return min(before, oldest) if oldest else before
