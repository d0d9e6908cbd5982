"""P6: outbox → bus → inbox → handler, against raw aio-pika on the same broker.

Both sides publish persistent messages of the same bytes with confirms, 200 at once, to
the same quorum queue, and consume them with a prefetch of 50, acknowledging what has
arrived together. Ours also takes each event out of Postgres, marks it, and commits its
inbox row; the handler itself does nothing.
"""

import asyncio
import gc
import statistics
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

import aio_pika

from bench.report import Figure
from bench.servers import started_servers
from chassis import topology
from chassis.bus import connect
from chassis.clock import Clock
from chassis.consumers import Consumers, Delivery
from chassis.db import Database, Transaction, open_database
from chassis.events import Event, event
from chassis.ids import uuid7
from chassis.inbox import Inbox, Incoming
from chassis.receiver import Receiver
from chassis.relay import BATCH, Relay, RelaySettings
from chassis.resources import CLOCK, Resources
from tests.support.databases import fresh_database, fresh_vhost

ROUNDS = 5
EVENTS = 10_000
PREFETCH = 50
RATE = 300
RATE_SECONDS = 20
#: A real event is about as long: the envelope, and the state of its object.
FILLER = "x" * 250
LEAST_RATIO = 0.60
MOST_MILLISECONDS = {50: 15, 99: 60}


@event("plumbing.thing.changed.v1", subject="thing_id")
class ThingChanged(Event):
    """An event of a usual size."""

    thing_id: UUID
    filler: str = FILLER


consumers = Consumers("plumbing")
SUBSCRIPTIONS = {"plumbing": (ThingChanged,)}


@consumers.on(ThingChanged)
async def on_thing_changed(
    _tx: Transaction, _event: ThingChanged, _delivery: Delivery
) -> None:
    """Do nothing: the way here is what is measured."""


async def measure() -> list[Figure]:
    async with (
        started_servers() as servers,
        fresh_database(servers, "plumbing", "bench") as database,
        fresh_vhost(servers) as amqp_url,
        open_database(database.url, schema="plumbing") as db,
    ):
        await declare(amqp_url)
        sustained = await _sustained(db, amqp_url)
        return [sustained, *await _latency(db, amqp_url)]


async def declare(amqp_url: str) -> None:
    async with connect(amqp_url, "bench") as connection:
        await topology.declare(connection, SUBSCRIPTIONS)


async def _sustained(db: Database, amqp_url: str) -> Figure:
    """Take turns with the limit: the machine's other work then meets both alike."""
    body = await _a_body(db)
    rounds: list[tuple[float, float]] = []
    for _ in range(ROUNDS):
        limit = await raw_rate(amqp_url, [body] * EVENTS)
        rounds.append((await our_rate(db, amqp_url), limit))
    ours, limit = sorted(rounds, key=lambda pair: pair[0] / pair[1])[ROUNDS // 2]
    return Figure(
        row="P6",
        what="events from outbox to handler, sustained",
        value=ours,
        unit="/s",
        limit=limit,
        target=f"≥ {LEAST_RATIO:.2f}",
        holds=ours / limit >= LEAST_RATIO,
    )


async def raw_rate(amqp_url: str, bodies: Sequence[bytes]) -> float:
    """Return how many messages a second aio-pika alone brings across."""
    gc.collect()
    began = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_publish_raw(amqp_url, bodies))
        tasks.create_task(_consume_raw(amqp_url, len(bodies)))
    return len(bodies) / (time.perf_counter() - began)


async def _publish_raw(amqp_url: str, bodies: Sequence[bytes]) -> None:
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel(on_return_raises=True)
        exchange = await channel.get_exchange(topology.EXCHANGE)
        for start in range(0, len(bodies), BATCH):
            await asyncio.gather(
                *(
                    exchange.publish(
                        aio_pika.Message(
                            body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT
                        ),
                        ThingChanged.TYPE,
                        mandatory=True,
                    )
                    for body in bodies[start : start + BATCH]
                )
            )


async def _consume_raw(amqp_url: str, count: int) -> None:
    arrived: asyncio.Queue[aio_pika.abc.AbstractIncomingMessage] = asyncio.Queue()
    async with await aio_pika.connect(amqp_url) as connection:
        channel = await connection.channel()
        await channel.set_qos(PREFETCH)
        queue = await channel.get_queue(consumers.name)
        await queue.consume(arrived.put)
        while count:
            batch = [await arrived.get()]
            while not arrived.empty():
                batch.append(arrived.get_nowait())
            await batch[-1].ack(multiple=True)
            count -= len(batch)


async def our_rate(db: Database, amqp_url: str) -> float:
    """Return how many events a second get from a full outbox to the handler."""
    for _ in range(EVENTS // 1000):
        async with db.transaction() as tx:
            await tx.emit_many([_an_event() for _ in range(1000)])
    gc.collect()
    began = time.perf_counter()
    async with _flowing(db, amqp_url) as handled:
        await handled.until(EVENTS)
        elapsed = time.perf_counter() - began
    await _check(db, EVENTS)
    return EVENTS / elapsed


async def _latency(db: Database, amqp_url: str) -> list[Figure]:
    """Emit at a steady rate, and see how long after each commit its effects are."""
    committed: dict[UUID, float] = {}
    async with _flowing(db, amqp_url) as handled:
        began = time.perf_counter()
        for number in range(RATE * RATE_SECONDS):
            await asyncio.sleep(began + number / RATE - time.perf_counter())
            event = _an_event()
            async with db.transaction() as tx:
                await tx.emit(event)
            committed[event.thing_id] = time.perf_counter()
        await handled.until(len(committed))
        waits = [
            (at - committed[thing_id]) * 1000 for thing_id, at in handled.at.items()
        ]
    await _check(db, len(committed))
    percentiles = statistics.quantiles(waits, n=100)
    return [
        Figure(
            row="P6",
            what=f"commit → effects committed at {RATE} events/s, p{percent}",
            value=percentiles[percent - 1],
            unit="ms",
            target=f"≤ {most} ms",
            holds=percentiles[percent - 1] <= most,
        )
        for percent, most in MOST_MILLISECONDS.items()
    ]


class _Handled(Inbox):
    """An inbox that notes when each event's effects were committed."""

    def __init__(self, resources: Resources, db: Database) -> None:
        super().__init__(consumers, resources, db)
        self.at: dict[UUID, float] = {}
        self._changed = asyncio.Event()

    async def handle(
        self, incoming: Sequence[Incoming], marks: dict[str, datetime]
    ) -> None:
        await super().handle(incoming, marks)
        now = time.perf_counter()
        self.at |= dict.fromkeys((m.envelope.subject for m in incoming), now)
        self._changed.set()

    async def until(self, count: int) -> None:
        while len(self.at) < count:
            self._changed.clear()
            await self._changed.wait()


@asynccontextmanager
async def _flowing(db: Database, amqp_url: str) -> AsyncGenerator[_Handled]:
    """Run a relay and a consumer until the block ends."""
    resources = Resources()
    resources[CLOCK] = Clock()
    handled = _Handled(resources, db)
    settings = RelaySettings(
        amqp_url=amqp_url, source="plumbing", subscriptions=SUBSCRIPTIONS
    )
    relay = Relay(db, settings)
    receiver = Receiver(amqp_url, handled, prefetch=PREFETCH)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(relay.run())
        tasks.create_task(receiver.run())
        yield handled
        relay.stop()
        await receiver.stop()


async def _check(db: Database, count: int) -> None:
    """See that nothing was lost or doubled, and make room for the next round."""
    async with db.transaction() as tx:
        rows = await tx.fetchval(
            """
            SELECT count(*) FROM outbox JOIN inbox USING (event_id)
            WHERE published_at IS NOT NULL
            """
        )
        if rows != count or await tx.fetchval("SELECT count(*) FROM inbox") != count:
            raise RuntimeError(f"{rows} of {count} events arrived")
        await tx.execute("DELETE FROM inbox")
        await tx.execute("DELETE FROM outbox")


async def _a_body(db: Database) -> bytes:
    """Return the bytes that one of our events has on the wire."""
    async with db.transaction() as tx:
        await tx.emit(_an_event())
        body = await tx.fetchval("SELECT body FROM outbox")
        await tx.execute("DELETE FROM outbox")
    return body.encode()


def _an_event() -> ThingChanged:
    return ThingChanged(thing_id=uuid7(), version=1)
