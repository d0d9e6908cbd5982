"""The consumer's run: messages in, effects committed, acknowledgements out.

What has arrived is handled as one batch; if that fails, one by one, and those that fail
alone wait in a retry queue, or end among the dead letters.
"""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import structlog
from aiormq.abc import DeliveredMessage

from chassis import metrics, watermarks
from chassis.arrivals import Arrivals
from chassis.bus import (
    Message,
    ProtocolChannel,
    Publisher,
    connect,
    keep_up,
    protocol_of,
)
from chassis.db import DatabaseAway
from chassis.events import Envelope
from chassis.inbox import Inbox, Poison, read
from chassis.topology import dead_queue, retry_queue

BATCH_SECONDS = 30.0
AWAY_PAUSE_SECONDS = 0.5
ATTEMPTS = "attempts"
ERROR = "error"
FAILED_AT = "failed_at"
MAXIMUM_ERROR_CHARACTERS = 500

log = structlog.get_logger("consumers")


class Receiver:
    """Consumes one queue, in sessions, until told to stop."""

    def __init__(self, url: str, inbox: Inbox, *, prefetch: int = 50) -> None:
        self._url = url
        self._inbox = inbox
        self._prefetch = prefetch
        self._stopping = asyncio.Event()
        self._arrivals: Arrivals | None = None
        #: Events of ours that wait in retry queues, and when they were emitted.
        self._waiting: dict[str, datetime] = {}
        #: Told as 0 until it consumes: of what isn't told, no alert hears.
        self._connected = metrics.consuming.labels(inbox.consumer)

    @property
    def consuming(self) -> bool:
        """Whether messages can come in, for the watchdog."""
        return self._arrivals is not None

    async def run(self) -> None:
        await keep_up(f"{self._inbox.consumer} consumer", self._session, self._stopping)

    async def stop(self) -> None:
        """Take no more messages; `run` returns when those that have come are done."""
        self._stopping.set()
        if self._arrivals is not None:
            await self._arrivals.stop()

    async def _session(self) -> None:
        async with AsyncExitStack() as stack:
            name = f"{self._inbox.consumer} consumer"
            connection = await stack.enter_async_context(connect(self._url, name))
            channel = await connection.channel(publisher_confirms=False)
            await channel.set_qos(self._prefetch)
            protocol = await protocol_of(channel)
            arrivals = Arrivals(protocol, limit=self._prefetch)
            ladder = _Ladder(self._url, self._inbox.consumer, stack)
            settler = _Settler(self._inbox, protocol, ladder, self._waiting)
            await arrivals.start(self._inbox.consumer)
            self._arrivals = arrivals
            if self._stopping.is_set():
                await arrivals.stop()
            try:
                with self._connected.track_inprogress():
                    async for batch in arrivals.batches():
                        await settler.settle(batch)
            finally:
                self._arrivals = None


class _Settler:
    """Brings each message to its end: handled, waiting for a retry, or dead."""

    def __init__(
        self,
        inbox: Inbox,
        channel: ProtocolChannel,
        ladder: "_Ladder",
        waiting: dict[str, datetime],
    ) -> None:
        self._inbox = inbox
        self._channel = channel
        self._ladder = ladder
        self._waiting = waiting

    async def settle(self, batch: Sequence[DeliveredMessage]) -> None:
        """Handle the batch, or each message alone if one of them fails."""
        error = await self._try(batch)
        if error is None:
            for message in batch:
                self._waiting.pop(_id_of(message), None)
            await self._channel.basic_ack(_tag_of(batch[-1]), multiple=True)
        elif len(batch) == 1:
            await self._fail(batch[0], error)
        else:
            for message in batch:
                await self.settle([message])

    async def _try(self, batch: Sequence[DeliveredMessage]) -> Exception | None:
        try:
            await self._handle(batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, it gets its retries
            return error
        return None

    async def _handle(self, batch: Sequence[DeliveredMessage]) -> None:
        events = [m for m in batch if not watermarks.is_watermark(_type_of(m))]
        incoming = [read(message.body) for message in events]
        marks = self._marks(m for m in batch if watermarks.is_watermark(_type_of(m)))
        while True:
            try:
                async with asyncio.timeout(BATCH_SECONDS):
                    return await self._inbox.handle(incoming, marks)
            except DatabaseAway as away:
                # Not the messages' fault: they stay here, and wait for it.
                log.warning("database away", error=repr(away.__cause__))
                await asyncio.sleep(AWAY_PAUSE_SECONDS)

    def _marks(self, messages: Iterable[DeliveredMessage]) -> dict[str, datetime]:
        """Return the last watermark of each producer."""
        marks = dict(watermarks.read(message.body) for message in messages)
        if self._waiting:
            # An event that waits for its retry hasn't arrived yet.
            earliest = min(self._waiting.values())
            return {producer: min(at, earliest) for producer, at in marks.items()}
        return marks

    async def _fail(self, message: DeliveredMessage, error: Exception) -> None:
        consumer, message_type = self._inbox.consumer, _type_of(message)
        attempts = _attempts_of(message) + 1
        queue = retry_queue(consumer, attempts)
        if queue is None or isinstance(error, Poison):
            queue = dead_queue(consumer)
        log.error(
            "event failed",
            type=message_type,
            attempt=attempts,
            to=queue,
            exc_info=error,
        )
        metrics.events_failed.labels(consumer, message_type).inc()
        # A watermark isn't worth a retry: the next one says more.
        if not watermarks.is_watermark(message_type):
            await self._ladder.send(message, queue, attempts, error)
            self._remember(message, dead=queue == dead_queue(consumer))
        await self._channel.basic_ack(_tag_of(message))

    def _remember(self, message: DeliveredMessage, *, dead: bool) -> None:
        if dead:
            metrics.events_dead.labels(self._inbox.consumer).inc()
            self._waiting.pop(_id_of(message), None)
        else:
            metrics.events_retried.labels(self._inbox.consumer).inc()
            self._waiting.setdefault(_id_of(message), _emitted_at(message))


class _Ladder:
    """Sends a failed message to where it waits for its next attempt."""

    def __init__(self, url: str, consumer: str, stack: AsyncExitStack) -> None:
        self._url = url
        self._consumer = consumer
        self._stack = stack
        self._publisher: Publisher | None = None

    async def send(
        self, message: DeliveredMessage, queue: str, attempts: int, error: Exception
    ) -> None:
        """Return when the broker has the copy; only then the original may go."""
        publisher = self._publisher or await self._open()
        text = f"{type(error).__name__}: {error}"[:MAXIMUM_ERROR_CHARACTERS]
        headers: dict[str, str | int] = {
            ATTEMPTS: attempts,
            ERROR: text,
            FAILED_AT: datetime.now(UTC).isoformat(),
        }
        await publisher.publish(
            Message(
                exchange="",
                routing_key=queue,
                type=_type_of(message),
                body=message.body,
                message_id=_id_of(message),
                headers=headers,
            )
        )

    async def _open(self) -> Publisher:
        # Its own connection: an alarm blocks those that publish, acks and all.
        name = f"{self._consumer} retries"
        connection = await self._stack.enter_async_context(connect(self._url, name))
        self._publisher = await Publisher.open(connection)
        return self._publisher


def _tag_of(message: DeliveredMessage) -> int:
    return message.delivery_tag or 0


def _type_of(message: DeliveredMessage) -> str:
    return message.header.properties.message_type or "unknown"


def _id_of(message: DeliveredMessage) -> str:
    return message.header.properties.message_id or ""


def _attempts_of(message: DeliveredMessage) -> int:
    attempts = (message.header.properties.headers or {}).get(ATTEMPTS, 0)
    return attempts if isinstance(attempts, int) else 0


def _emitted_at(message: DeliveredMessage) -> datetime:
    return Envelope.read(message.body).time
