"""P6: outbox → bus → inbox → handler, against raw aio-pika on the same broker.

Both sides publish persistent messages of the same bytes with confirms, 200 at once, to
the same quorum queue, and consume them with a prefetch of 50, acknowledging what has
arrived together. Ours also takes each event out of Postgres, marks it, and commits its
inbox row; the handler itself does nothing.

All of it is done in this process, and then with two more as replicas: the broker serves
one of them, and the other stands by. That says what it costs to consume in another
process than the relay's, and that a second replica takes nothing away; it adds nothing.
"""

import asyncio
import gc
import statistics
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
)
from dataclasses import dataclass
from uuid import UUID

import aio_pika

from bench.replica import Replica, replica
from bench.report import Figure, progress
from bench.servers import started_servers
from bench.things import (
    PREFETCH,
    SUBSCRIPTIONS,
    Handled,
    ThingChanged,
    an_event,
    consumers,
)
from chassis import topology
from chassis.bus import connect
from chassis.db import Database, open_database
from chassis.receiver import Receiver
from chassis.relay import BATCH, Relay, RelaySettings
from tests.support.databases import fresh_database, fresh_vhost

ROUNDS = 5
EVENTS = 10_000
REPLICAS = 2
RATE = 300
RATE_SECONDS = 10
LEAST_RATIO = 0.60
MOST_MILLISECONDS = {50: 15, 99: 60}
POLL_SECONDS = 0.25
MOST_SECONDS = 60

#: Who handles: this process, or one of so many replicas.
ALONE, TOGETHER = "", f", {REPLICAS} replicas"

Seen = Sequence[tuple[UUID, float]]


#: Waits until so many events are handled, and returns which, and when.
Collect = Callable[[int], Awaitable[Seen]]


@dataclass(frozen=True)
class Stage:
    """An outbox, and the broker that its events go to."""

    db: Database
    database_url: str
    amqp_url: str


#: Consumes, in whatever processes, until its block ends.
Consuming = Callable[[Stage], AbstractAsyncContextManager[Collect]]


async def measure() -> list[Figure]:
    async with (
        started_servers() as servers,
        fresh_database(servers, "plumbing", "bench") as database,
        fresh_vhost(servers) as amqp_url,
        open_database(database.url, schema="plumbing") as db,
    ):
        await declare(amqp_url)
        stage = Stage(db, database.url, amqp_url)
        sustained = await _sustained(stage)
        return [
            *sustained,
            *await _latency(stage, _alone, ALONE),
            *await _latency(stage, _together, TOGETHER),
        ]


async def declare(amqp_url: str) -> None:
    async with connect(amqp_url, "bench") as connection:
        await topology.declare(connection, SUBSCRIPTIONS)


async def _sustained(stage: Stage) -> list[Figure]:
    """Take turns with the limit: the machine's other work then meets all alike."""
    body = await _a_body(stage.db)
    rounds: list[tuple[float, float, float]] = []
    for number in range(ROUNDS):
        progress(f"sustained, {number + 1} of {ROUNDS}")
        limit = await raw_rate(stage.amqp_url, [body] * EVENTS)
        alone = await _our_rate(stage, _alone)
        rounds.append((limit, alone, await _our_rate(stage, _together)))
    return [
        _rate_figure([(limit, alone) for limit, alone, _ in rounds], ALONE),
        _rate_figure([(limit, together) for limit, _, together in rounds], TOGETHER),
    ]


def _rate_figure(rounds: Sequence[tuple[float, float]], by: str) -> Figure:
    limit, ours = sorted(rounds, key=lambda pair: pair[1] / pair[0])[ROUNDS // 2]
    return Figure(
        row="P6",
        what=f"events from outbox to handler, sustained{by}",
        value=ours,
        unit="/s",
        limit=limit,
        target=f"≥ {LEAST_RATIO:.2f}",
        holds=ours / limit >= LEAST_RATIO,
    )


async def raw_rate(amqp_url: str, bodies: Sequence[bytes]) -> float:
    """Return how many messages a second aio-pika alone brings across."""
    gc.collect()
    began = time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_publish_raw(amqp_url, bodies))
        tasks.create_task(_consume_raw(amqp_url, len(bodies)))
    return len(bodies) / (time.monotonic() - began)


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


async def _our_rate(stage: Stage, consuming: Consuming) -> float:
    """Return how many events a second get from a full outbox to the handler."""
    for _ in range(EVENTS // 1000):
        async with stage.db.transaction() as tx:
            await tx.emit_many([an_event() for _ in range(1000)])
    gc.collect()
    async with consuming(stage) as collect:
        began = time.monotonic()
        async with _relaying(stage):
            seen = await collect(EVENTS)
    await _check(stage.db, seen, EVENTS)
    return EVENTS / (max(at for _, at in seen) - began)


async def _latency(stage: Stage, consuming: Consuming, by: str) -> list[Figure]:
    """Emit at a steady rate, and see how long after each commit its effects are."""
    progress(f"{RATE} events/s{by}")
    committed: dict[UUID, float] = {}
    async with consuming(stage) as collect, _relaying(stage):
        began = time.monotonic()
        for number in range(RATE * RATE_SECONDS):
            await asyncio.sleep(began + number / RATE - time.monotonic())
            event = an_event()
            async with stage.db.transaction() as tx:
                await tx.emit(event)
            committed[event.thing_id] = time.monotonic()
        seen = await collect(len(committed))
    await _check(stage.db, seen, len(committed))
    waits = [(at - committed[thing_id]) * 1000 for thing_id, at in seen]
    percentiles = statistics.quantiles(waits, n=100)
    return [
        Figure(
            row="P6",
            what=f"commit → effects committed at {RATE} events/s{by}, p{percent}",
            value=percentiles[percent - 1],
            unit="ms",
            target=f"≤ {most} ms",
            holds=percentiles[percent - 1] <= most,
        )
        for percent, most in MOST_MILLISECONDS.items()
    ]


@asynccontextmanager
async def _relaying(stage: Stage) -> AsyncGenerator[None]:
    """Publish what the outbox has until the block ends."""
    settings = RelaySettings(
        amqp_url=stage.amqp_url, source="plumbing", subscriptions=SUBSCRIPTIONS
    )
    relay = Relay(stage.db, settings)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(relay.run())
        yield
        relay.stop()


@asynccontextmanager
async def _alone(stage: Stage) -> AsyncGenerator[Collect]:
    """Consume in this process until the block ends."""
    handled = Handled(stage.db)
    receiver = Receiver(stage.amqp_url, handled, SUBSCRIPTIONS, prefetch=PREFETCH)

    async def collect(count: int) -> Seen:
        async with asyncio.timeout(MOST_SECONDS):
            await handled.until(count)
        return handled.seen

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(receiver.run())
        yield collect
        receiver.stop()


@asynccontextmanager
async def _together(stage: Stage) -> AsyncGenerator[Collect]:
    """Consume in processes of their own until the block ends."""
    async with AsyncExitStack() as stack:
        replicas = [
            await stack.enter_async_context(replica(stage.database_url, stage.amqp_url))
            for _ in range(REPLICAS)
        ]

        async def collect(count: int) -> Seen:
            seen: list[tuple[UUID, float]] = []
            async with asyncio.timeout(MOST_SECONDS):
                while len(seen) < count:
                    await asyncio.sleep(POLL_SECONDS)
                    seen += await _seen_by(replicas)
            return seen

        yield collect


async def _seen_by(replicas: Sequence[Replica]) -> list[tuple[UUID, float]]:
    lists = await asyncio.gather(*(each.seen() for each in replicas))
    return [one for seen in lists for one in seen]


async def _check(db: Database, seen: Seen, count: int) -> None:
    """See that each event took effect once, and make room for the next round."""
    things = {thing_id for thing_id, _ in seen}
    async with db.transaction() as tx:
        rows = await tx.fetch(
            """
            SELECT subject FROM outbox JOIN inbox USING (event_id)
            WHERE published_at IS NOT NULL
            """
        )
        noted = await tx.fetchval("SELECT count(*) FROM inbox")
        if not len(seen) == len(rows) == noted == count:
            raise RuntimeError(
                f"of {count} events {len(rows)} arrived, {noted} are in the inbox, "
                f"{len(seen)} were handled"
            )
        if things != {row["subject"] for row in rows}:
            raise RuntimeError("other events were handled than had been emitted")
        await tx.execute("DELETE FROM inbox")
        await tx.execute("DELETE FROM outbox")


async def _a_body(db: Database) -> bytes:
    """Return the bytes that one of our events has on the wire."""
    async with db.transaction() as tx:
        await tx.emit(an_event())
        body = await tx.fetchval("SELECT body FROM outbox")
        await tx.execute("DELETE FROM outbox")
    return body.encode()
