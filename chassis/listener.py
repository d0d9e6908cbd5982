"""Hears of events as they happen, by a queue that ends with the connection.

Nothing is kept for a listener: what happens while it is away or too far behind passes
it by, and once it hears again it is told so.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from contextlib import asynccontextmanager

import structlog
from aio_pika.abc import AbstractConnection
from aiormq.abc import DeliveredMessage

from chassis import metrics, topology
from chassis.arrivals import Arrivals
from chassis.bus import ProtocolChannel, connect, keep_up, protocol_of
from chassis.events import Envelope, Event
from chassis.ids import uuid7
from chassis.inbox import read

PREFETCH = 100
CANCEL_SECONDS = 0.5
#: Events that may wait at the broker; a listener further behind begins anew.
LONGEST_QUEUE = 10_000

log = structlog.get_logger("listener")


class Listener:
    """Calls `hear` with each event, and `missed` whenever some may have passed it by.

    That is at the beginning, and after each loss of the broker or of an event, before
    the first event that is heard again.
    """

    def __init__(
        self,
        url: str,
        name: str,
        events: Collection[type[Event]],
        *,
        hear: Callable[[Envelope, Event], None],
        missed: Callable[[], None],
        longest_queue: int = LONGEST_QUEUE,
    ) -> None:
        self._url = url
        self._name = name
        self._events = events
        self._hear = hear
        self._missed = missed
        self._longest_queue = longest_queue
        #: Told as 0 until it hears: of what isn't told, no alert hears.
        self._connected = metrics.listening.labels(name)

    @asynccontextmanager
    async def listening(self) -> AsyncGenerator[None]:
        """Hear until the block ends; a broker that is away is waited for."""
        name, stopping = f"{self._name} listener", asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            hearing = keep_up(name, self._session, stopping)
            task = tasks.create_task(hearing, name=name)
            try:
                yield
            finally:
                # There is nothing to finish: what was heard has been passed on.
                stopping.set()
                await _cancel(task)

    async def _session(self) -> None:
        name = f"{self._name} listener"
        async with connect(self._url, name) as connection:
            protocol, arrivals = await self._begin(connection)
            with self._connected.track_inprogress():
                # From here on, and no sooner, nothing that happens passes us by.
                self._missed()
                async for batch in arrivals.batches():
                    self._hear_all(batch)
                    tag = batch[-1].delivery_tag or 0
                    await protocol.basic_ack(tag, multiple=True)

    async def _begin(
        self, connection: AbstractConnection
    ) -> tuple[ProtocolChannel, Arrivals]:
        channel = await connection.channel(publisher_confirms=False)
        await channel.set_qos(PREFETCH)
        protocol = await protocol_of(channel)
        # A new name each time: the broker may take a while to let go of the last.
        queue = f"{self._name}.live.{uuid7().hex}"
        overflow = await topology.declare_listener(
            channel, queue, self._events, longest=self._longest_queue
        )
        arrivals = Arrivals(protocol, limit=PREFETCH)

        async def fall_behind(_message: DeliveredMessage) -> None:
            log.warning("too far behind", listener=self._name)
            arrivals.end()

        await protocol.basic_consume(overflow, fall_behind, no_ack=True)
        await arrivals.start(queue)
        return protocol, arrivals

    def _hear_all(self, batch: Sequence[DeliveredMessage]) -> None:
        for message in batch:
            try:
                incoming = read(message.body)
                self._hear(incoming.envelope, incoming.event)
            except Exception:
                # Whatever is wrong with this one, the next must be heard.
                type_ = message.header.properties.message_type or "unknown"
                log.exception("event not heard", type=type_)
                metrics.events_failed.labels(self._name, type_).inc()
                self._missed()


async def _cancel(task: asyncio.Task[None]) -> None:
    """Cancel again and again: the broker's client may make an error of it, or less."""
    while not task.done():
        task.cancel()
        await asyncio.wait([task], timeout=CANCEL_SECONDS)
