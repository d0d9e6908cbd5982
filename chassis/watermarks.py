"""Watermarks: up to which instant all events of a producer have been published.

A reader that got a watermark has got every event committed before that instant: both
travel through the same queue, and the watermark is sent after the events are confirmed.
"""

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
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


async def send_forever(
    connection: AbstractConnection,
    database: Database,
    producer: str,
    readers: Sequence[str],
    stopping: asyncio.Event,
) -> None:
    """Tell the readers, twice a second, how far this producer has got."""
    while not stopping.is_set():
        channel = await connection.channel(publisher_confirms=False)
        protocol = await protocol_of(channel)
        # A reader's queue that is missing costs this channel, not the events'.
        with suppress(ChannelNotFoundEntity):
            while not stopping.is_set():
                await _send(protocol, database, producer, readers)
                await sleep_unless(stopping, EVERY_SECONDS)
        await sleep_unless(stopping, EVERY_SECONDS)


async def _send(
    channel: ProtocolChannel,
    database: Database,
    producer: str,
    readers: Sequence[str],
) -> None:
    try:
        at = await _published_until(database)
    except Unavailable:
        return
    body = json.dumps({"producer": producer, "at": at.isoformat()}).encode()
    for queue in readers:
        state = await channel.queue_declare(queue, passive=True)
        # Without a consumer they would pile up as well.
        if state.consumer_count and (state.message_count or 0) < LONGEST_QUEUE:
            await _publish(channel, queue, producer + _SUFFIX, body)


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


async def _publish(
    channel: ProtocolChannel, queue: str, message_type: str, body: bytes
) -> None:
    await channel.basic_publish(
        body,
        routing_key=queue,
        properties=spec.Basic.Properties(
            message_type=message_type, delivery_mode=_TRANSIENT
        ),
        wait=False,
    )
