"""What tests do to queues behind the plumbing's back."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from aiormq import Channel
from aiormq.abc import DeliveredMessage

from chassis.bus import Message, Publisher, connect, protocol_of
from chassis.receiver import ATTEMPTS
from chassis.topology import EXCHANGE
from tests.integration.chassis.stage import Stage


@asynccontextmanager
async def a_channel(amqp_url: str) -> AsyncGenerator[Channel]:
    async with connect(amqp_url, "test") as connection:
        yield await protocol_of(await connection.channel())


async def depth(amqp_url: str, queue: str) -> int:
    """Return how many messages wait in the queue."""
    async with a_channel(amqp_url) as channel:
        return (await channel.queue_declare(queue, passive=True)).message_count or 0


async def consumers_of(amqp_url: str, queue: str) -> int:
    """Return how many consume the queue; those who stand by don't count."""
    async with a_channel(amqp_url) as channel:
        return (await channel.queue_declare(queue, passive=True)).consumer_count or 0


async def is_consumed(stage: Stage) -> bool:
    """Whether a consumer of the probe is served."""
    return bool(await consumers_of(stage.amqp_url, "probe"))


async def delete_queue(amqp_url: str, queue: str) -> None:
    async with a_channel(amqp_url) as channel:
        await channel.queue_delete(queue)


async def purge(amqp_url: str, queue: str) -> None:
    async with a_channel(amqp_url) as channel:
        await channel.queue_purge(queue)


async def take_and_give_back(amqp_url: str, queue: str) -> None:
    """Take what is first in the queue, and go without having acknowledged it."""
    taken: asyncio.Queue[DeliveredMessage] = asyncio.Queue()
    async with a_channel(amqp_url) as channel:
        await channel.basic_consume(queue, taken.put)
        await taken.get()
    while not await depth(amqp_url, queue):
        await asyncio.sleep(0.02)


async def put(
    amqp_url: str,
    *bodies: bytes,
    type_: str = "probe.thing.changed.v1",
    attempts: int | None = None,
) -> None:
    """Publish to the probe's queue what no relay would, as if it had been tried."""
    headers: dict[str, str | int] | None = (
        None if attempts is None else {ATTEMPTS: attempts}
    )
    async with connect(amqp_url, "test") as connection:
        publisher = await Publisher.open(connection)
        for number, body in enumerate(bodies):
            await publisher.publish(
                Message(
                    exchange="",
                    routing_key="probe",
                    type=type_,
                    body=body,
                    message_id=f"put-{number}",
                    headers=headers,
                )
            )


async def publish_again(stage: Stage) -> None:
    """Publish every event of the outbox, published or not."""
    rows = await stage.fetch("SELECT event_id, type, body FROM outbox ORDER BY seq")
    async with connect(stage.amqp_url, "test") as connection:
        publisher = await Publisher.open(connection)
        for row in rows:
            await publisher.publish(
                Message(
                    exchange=EXCHANGE,
                    routing_key=row["type"],
                    type=row["type"],
                    body=row["body"].encode(),
                    message_id=str(row["event_id"]),
                )
            )
