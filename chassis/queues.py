"""One queue at the broker: declared, bound, looked at."""

from dataclasses import dataclass

from aio_pika.abc import AbstractConnection
from aio_pika.exceptions import ChannelNotFoundEntity, ChannelPreconditionFailed
from pamqp.common import FieldValue

EXCHANGE = "events"
DECLARE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue with its declare arguments and the routing keys bound to it."""

    name: str
    arguments: dict[str, FieldValue]
    routing_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class QueueState:
    """How many messages are ready in a queue, and who consumes it."""

    messages: int
    consumers: int


async def declare_queue(connection: AbstractConnection, queue: Queue) -> bool:
    """Declare and bind it; False if it is there with other arguments."""
    # The refusal costs the channel.
    channel = await connection.channel()
    try:
        await channel.declare_queue(
            queue.name, durable=True, arguments=queue.arguments, timeout=DECLARE_SECONDS
        )
    except ChannelPreconditionFailed:
        return False
    await channel.close()
    await bind(connection, queue)
    return True


async def state_of(connection: AbstractConnection, name: str) -> QueueState | None:
    """Look at the queue; None if there is none."""
    channel = await connection.channel()
    try:
        queue = await channel.declare_queue(name, passive=True, timeout=DECLARE_SECONDS)
    except ChannelNotFoundEntity:
        return None
    found = queue.declaration_result
    await channel.close()
    return QueueState(found.message_count or 0, found.consumer_count or 0)


async def bind(connection: AbstractConnection, queue: Queue) -> None:
    """Let events come to the queue by its routing keys."""
    channel = await connection.channel()
    unbound = await channel.get_queue(queue.name, ensure=False)
    for routing_key in queue.routing_keys:
        await unbound.bind(EXCHANGE, routing_key, timeout=DECLARE_SECONDS)
    await channel.close()


async def unbind(connection: AbstractConnection, queue: Queue) -> None:
    """Let no more events come to the queue by its routing keys."""
    channel = await connection.channel()
    bound = await channel.get_queue(queue.name, ensure=False)
    for routing_key in queue.routing_keys:
        await bound.unbind(EXCHANGE, routing_key, timeout=DECLARE_SECONDS)
    await channel.close()


async def delete_queue(connection: AbstractConnection, name: str) -> None:
    channel = await connection.channel()
    await channel.queue_delete(name, timeout=DECLARE_SECONDS)
    await channel.close()
