"""The consumer's run: messages in, effects committed, acknowledgements out.

What has arrived is handled as one batch; if that fails, one by one, and those that fail
alone wait in a retry queue, or end among the dead letters.

One replica of a consumer is served at a time; the others stand by, connected. Who
stops finishes the batch in hand and gives back all else, in its order, to the next one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial

import asyncpg
import structlog
from aiormq.abc import DeliveredMessage
from pydantic import ValidationError

from chassis import metrics, topology, watermarks
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
from chassis.errors import Unavailable
from chassis.events import Envelope
from chassis.inbox import Inbox, Incoming, Poison, read
from chassis.topology import Subscriptions, dead_queue, retry_queue, retry_seconds

BATCH_SECONDS = 30.0
AWAY_PAUSE_SECONDS = 0.5
ATTEMPTS = "attempts"
ERROR = "error"
FAILED_AT = "failed_at"
MAXIMUM_ERROR_CHARACTERS = 500

log = structlog.get_logger("consumers")


class Receiver:
    """Consumes one queue, in sessions, until told to stop."""

    def __init__(
        self,
        url: str,
        inbox: Inbox,
        subscriptions: Subscriptions,
        *,
        prefetch: int = 50,
    ) -> None:
        self._url = url
        self._inbox = inbox
        self._subscriptions = subscriptions
        self._prefetch = prefetch
        self._stopping = asyncio.Event()
        self._arrivals: Arrivals | None = None
        #: Told as 0 until it consumes: of what isn't told, no alert hears.
        self._connected = metrics.consuming.labels(inbox.consumer)

    @property
    def consuming(self) -> bool:
        """Whether messages can come in, now or once its turn comes."""
        return self._arrivals is not None

    async def run(self) -> None:
        await keep_up(f"{self._inbox.consumer} consumer", self._session, self._stopping)

    def stop(self) -> None:
        """Begin no further message; `run` returns when those in hand are done."""
        self._stopping.set()
        if self._arrivals is not None:
            self._arrivals.leave()

    async def _session(self) -> None:
        async with AsyncExitStack() as stack:
            name = f"{self._inbox.consumer} consumer"
            connection = await stack.enter_async_context(connect(self._url, name))
            connected_at = datetime.now(UTC)
            # A queue may be on the move until then, and must have no consumer.
            await topology.assert_declared(connection, self._subscriptions)
            channel = await connection.channel(publisher_confirms=False)
            await channel.set_qos(self._prefetch)
            protocol = await protocol_of(channel)
            arrivals = Arrivals(protocol, limit=self._prefetch)
            ladder = _Ladder(self._url, self._inbox.consumer, stack)
            settler = _Settler(self._inbox, protocol, ladder, connected_at)
            await arrivals.start(self._inbox.consumer)
            self._arrivals = arrivals
            if self._stopping.is_set():
                arrivals.leave()
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
        connected_at: datetime,
    ) -> None:
        self._inbox = inbox
        self._channel = channel
        self._ladder = ladder
        self._connected_at = connected_at

    async def settle(self, batch: Sequence[DeliveredMessage]) -> None:
        """Handle the batch, or each message alone if one of them fails."""
        error = await self._try(batch)
        if error is None:
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
        incoming = [_read(message) for message in events]
        marks = _marks(m for m in batch if watermarks.is_watermark(_type_of(m)))
        while True:
            try:
                async with asyncio.timeout(BATCH_SECONDS):
                    return await self._inbox.handle(
                        incoming, marks, connected_at=self._connected_at
                    )
            except DatabaseAway as away:
                # Not the messages' fault: they stay here, and wait for it.
                log.warning("database away", error=repr(away.__cause__))
                await asyncio.sleep(AWAY_PAUSE_SECONDS)

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
            if queue == dead_queue(consumer):
                await self._bury(message, attempts, error)
            else:
                await self._send_away(message, queue, attempts, error)
        await self._channel.basic_ack(_tag_of(message))

    async def _send_away(
        self, message: DeliveredMessage, queue: str, attempts: int, error: Exception
    ) -> None:
        """Let it wait for its next attempt, and no watermark pass it meanwhile."""
        envelope, seconds = Envelope.read(message.body), retry_seconds(attempts)
        # First, as the next watermark may be handled by another replica.
        await _surely(partial(self._inbox.note_retry, envelope, seconds=seconds))
        await self._ladder.send(message, queue, attempts, error)
        metrics.events_retried.labels(self._inbox.consumer).inc()

    async def _bury(
        self, message: DeliveredMessage, attempts: int, error: Exception
    ) -> None:
        queue = dead_queue(self._inbox.consumer)
        await self._ladder.send(message, queue, attempts, error)
        # What can't be read was never noted, whatever it says of attempts.
        if attempts > 1 and (envelope := _envelope_of(message)):
            await _surely(partial(self._inbox.forget_retry, envelope))
        metrics.events_dead.labels(self._inbox.consumer).inc()


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
    return max(attempts, 0) if isinstance(attempts, int) else 0


def _envelope_of(message: DeliveredMessage) -> Envelope | None:
    try:
        return Envelope.read(message.body)
    except ValidationError:
        return None


def _read(message: DeliveredMessage) -> Incoming:
    """Read it, noting whether it came before: as a retry, or to who then went away."""
    again = bool(_attempts_of(message) or message.redelivered)
    return read(message.body, again=again)


def _marks(messages: Iterable[DeliveredMessage]) -> dict[str, datetime]:
    """Return the last watermark of each producer.

    One that was given back by another replica isn't worth a thought about the order in
    which such messages come: whichever comes fresh is behind all of them.
    """
    return dict(watermarks.read(m.body) for m in messages if not m.redelivered)


async def _surely(write: Callable[[], Awaitable[None]]) -> None:
    """Write what decides how far a watermark may go, however long that takes."""
    while True:
        try:
            async with asyncio.timeout(BATCH_SECONDS):
                return await write()
        except asyncpg.DataError as error:
            # A name or a time that no relay could have read from its outbox.
            log.warning("retry can't be noted", error=repr(error))
            return None
        except (Unavailable, asyncpg.PostgresError, TimeoutError) as error:
            log.warning("retry not noted", error=repr(error.__cause__ or error))
            await asyncio.sleep(AWAY_PAUSE_SECONDS)
