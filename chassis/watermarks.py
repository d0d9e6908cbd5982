"""Watermarks: up to which instant all events of a producer have been published.

A reader that got a watermark has got every event committed before that instant: both
travel through the same queue, the watermark is sent after the events are confirmed, and
one replica at a time is served. What waits for its retry is noted, and holds it back.
"""

import asyncio
import json
import math
import time
from collections.abc import Awaitable, Callable, Collection
from datetime import UTC, datetime

from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import ChannelNotFoundEntity
from aiormq import spec

from chassis.bus import ProtocolChannel, protocol_of
from chassis.db import Database, Transaction
from chassis.errors import Unavailable

EVERY_SECONDS = 0.5
#: A reader that is so far behind has no use for watermarks; they would only pile up.
LONGEST_QUEUE = 1000
#: After its last event a producer goes on for so long to look at all of its readers
#: with each watermark, so that the next event needn't wait for that.
BUSY_SECONDS = 10.0
#: How often it looks at all of them otherwise.
QUIET_SECONDS = 5.0
#: A retry is back in its queue surely within so long of its time, or of the moment
#: when its consumer reached the broker: who has nowhere to go is sent again by the
#: broker after three minutes. A watermark of later is behind it in the queue.
LATE_SECONDS = 300.0
_SUFFIX = ".watermark.v1"
_TRANSIENT = 1


def is_watermark(message_type: str | None) -> bool:
    return message_type is not None and message_type.endswith(_SUFFIX)


def read(body: bytes) -> tuple[str, datetime]:
    """Return the producer and the instant."""
    mark = json.loads(body)
    return mark["producer"], datetime.fromisoformat(mark["at"])


async def save(
    tx: Transaction | Database,
    consumer: str,
    marks: dict[str, datetime],
    *,
    connected_at: datetime | None = None,
) -> None:
    """Keep how far each producer has got, but for its events that wait for a retry.

    `connected_at` is when the consumer's present session with the broker began.
    """
    if not marks:
        return
    # Sorted, as replicas may have the same ones at hand, in another order. A retry
    # that never comes back holds up no watermark for ever.
    producers = sorted(marks)
    await tx.execute(
        """
        INSERT INTO watermarks (producer, at)
        SELECT told.producer, least(told.at, min(retries.emitted_at))
        FROM unnest($1::text[], $2::timestamptz[])
            WITH ORDINALITY AS told (producer, at, number)
        LEFT JOIN retries ON retries.consumer = $3
            AND retries.producer = told.producer
            AND told.at
                <= greatest(retries.due_at, $4) + make_interval(secs => $5)
            -- One that was sent again, or replayed, may have been handled meanwhile.
            AND NOT EXISTS (
                SELECT FROM inbox
                WHERE inbox.consumer = retries.consumer
                    AND inbox.event_id = retries.event_id)
        GROUP BY told.producer, told.at, told.number ORDER BY told.number
        ON CONFLICT (producer) DO UPDATE SET at = EXCLUDED.at
        WHERE watermarks.at < EXCLUDED.at
        """,
        producers,
        [marks[producer] for producer in producers],
        consumer,
        connected_at,
        LATE_SECONDS,
    )


class Readers:
    """A producer's readers, by their queues; `absent` are those that have none.

    Watermarks go to those of them whose requests may wait.
    """

    def __init__(
        self,
        connection: AbstractConnection,
        queues: Collection[str],
        waiting: Collection[str],
        is_declared: Callable[[], Awaitable[bool]],
    ) -> None:
        self._connection = connection
        self._queues = queues
        self._waiting = waiting
        self._is_declared = is_declared
        self._channel: ProtocolChannel | None = None
        self._looking = asyncio.Lock()
        self._looked_at = -math.inf
        self._busy_until = -math.inf
        #: Of those that may wait, who consumes and isn't far behind.
        self._taking: set[str] = set()
        self.absent = set(queues)

    async def look_unless_fresh(self) -> None:
        """Know whose queue is missing, before events are published."""
        now = _now()
        self._busy_until = now + BUSY_SECONDS
        if now - self._looked_at > 2 * EVERY_SECONDS:
            await self._look_at_all()

    async def look(self) -> None:
        """Know who takes a watermark; while there are events, look at all, as well."""
        now = _now()
        if now < self._busy_until or now - self._looked_at >= QUIET_SECONDS:
            await self._look_at_all()
        else:
            await self._look_at([q for q in self._waiting if q not in self._taking])

    async def tell(self, message_type: str, body: bytes) -> None:
        # A look that misses a queue costs the channel, so none goes on meanwhile.
        async with self._looking:
            channel = await self._open_channel()
            for queue in sorted(self._taking):
                await channel.basic_publish(
                    body,
                    routing_key=queue,
                    properties=spec.Basic.Properties(
                        message_type=message_type, delivery_mode=_TRANSIENT
                    ),
                    wait=False,
                )

    async def _look_at_all(self) -> None:
        began = _now()
        await self._look_at(self._queues)
        self._looked_at = began

    async def _look_at(self, queues: Collection[str]) -> None:
        # One at a time: a missing queue costs the channel of whoever asks.
        async with self._looking:
            for queue in queues:
                state = await self._state_of(queue)
                # One that has just been declared may not be bound yet.
                if state and queue in self.absent and not await self._is_declared():
                    state = None
                self._note(queue, state)

    def _note(self, queue: str, state: spec.Queue.DeclareOk | None) -> None:
        self.absent.discard(queue)
        self._taking.discard(queue)
        if state is None:
            self.absent.add(queue)
        # Without a consumer watermarks would pile up, as well as far behind.
        elif (
            queue in self._waiting
            and state.consumer_count
            and (state.message_count or 0) < LONGEST_QUEUE
        ):
            self._taking.add(queue)

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
    readers: Readers,
    database: Database,
    producer: str,
    *,
    on_waiting: Callable[[], None],
) -> None:
    """Tell the readers, twice a second, how far this producer has got.

    `on_waiting` is called each time that an event was seen to wait. All producers
    tell at the same moments, so that a reader takes in their watermarks together.
    """
    while True:
        await _send(readers, database, producer, on_waiting)
        await asyncio.sleep(EVERY_SECONDS - time.time() % EVERY_SECONDS)


async def _send(
    readers: Readers, database: Database, producer: str, on_waiting: Callable[[], None]
) -> None:
    await readers.look()
    before = datetime.now(UTC)
    try:
        oldest = await _oldest_waiting(database)
    except Unavailable:
        return
    if oldest is not None:
        on_waiting()
    # An event is emitted before it is committed. So what was committed before the
    # oldest unpublished event was emitted has been published, or it would be older.
    at = min(before, oldest or before)
    body = json.dumps({"producer": producer, "at": at.isoformat()}).encode()
    await readers.tell(producer + _SUFFIX, body)


async def _oldest_waiting(database: Database) -> datetime | None:
    """Return when the oldest unpublished event was emitted; None: all are published."""
    return await database.fetchval(
        "SELECT min(emitted_at) FROM outbox WHERE published_at IS NULL"
    )


def _now() -> float:
    return asyncio.get_running_loop().time()
