"""The broker's exchange, queues and bindings, all derived from who reads what.

`migrate` declares them; relays wait until they exist, so that no event is published
before its readers have a queue. Listeners' queues alone come and go. Everything here
works on RabbitMQ 3.10 and 4.x.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from aio_pika import ExchangeType
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractQueue
from aio_pika.exceptions import ChannelNotFoundEntity
from pamqp.common import FieldValue

from chassis import remaking
from chassis.events import Event
from chassis.locking import locked
from chassis.queues import (
    DECLARE_SECONDS,
    EXCHANGE,
    Queue,
    declare_queue,
    state_of,
)
from chassis.remaking import UNLIMITED

#: How long a failed message waits before it comes back, by queue suffix.
RETRIES: Mapping[str, float] = {"5s": 5, "1m": 60, "10m": 600, "1h": 3600}
#: Deliveries that no process survived; then the message is dead. 3.10 has no limit.
#: More than the largest prefetch: who stops settles at least the first message in
#: hand and gives back the others, which counts as well, but never so often.
DELIVERY_LIMIT = 60

Subscriptions = Mapping[str, Sequence[type[Event]]]

_QUORUM: dict[str, FieldValue] = {
    "x-queue-type": "quorum",
    # At-least-once needs reject-publish; without a length limit it refuses nothing.
    "x-dead-letter-strategy": "at-least-once",
    "x-overflow": "reject-publish",
    "x-dead-letter-exchange": "",
}


def retry_queue(consumer: str, attempt: int) -> str | None:
    """Return where a message waits after its `attempt`th failure; None: it is dead."""
    suffixes = list(RETRIES)
    if attempt > len(suffixes):
        return None
    return f"{consumer}.retry.{suffixes[attempt - 1]}"


def retry_seconds(attempt: int) -> float:
    """Return how long a message waits after its `attempt`th failure."""
    return list(RETRIES.values())[attempt - 1]


def dead_queue(consumer: str) -> str:
    return f"{consumer}.dead"


def readers_of(subscriptions: Subscriptions, producer: str) -> list[str]:
    """Return the consumers that read any event of this process."""
    return [
        consumer
        for consumer, events in subscriptions.items()
        if any(event.TYPE.split(".")[0] == producer for event in events)
    ]


def queues_of(subscriptions: Subscriptions) -> list[Queue]:
    """Return every queue that the subscriptions need."""
    return [
        queue
        for consumer, events in subscriptions.items()
        for queue in _queues_of_consumer(consumer, events)
    ]


async def declare(
    connection: AbstractConnection,
    subscriptions: Subscriptions,
    *,
    bound: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Declare everything; doing so again changes nothing, and several take turns.

    `bound` is called once every queue is bound, and before any relay trusts them.
    A queue that another release declared with other arguments is made anew, with
    all its messages; raises CannotRemake where a process still consumes it, and
    MigrationsLocked where another migration doesn't end in time.
    """
    async with locked(connection):
        channel = await connection.channel()
        if not await _all_are_there(connection, subscriptions):
            await _delete_marker(channel, subscriptions)
        await channel.declare_exchange(
            EXCHANGE, ExchangeType.TOPIC, durable=True, timeout=DECLARE_SECONDS
        )
        queues = queues_of(subscriptions)
        for queue in queues:
            if not await declare_queue(connection, queue):
                await _delete_marker(channel, subscriptions)
                await remaking.remake(connection, queue, _feeders_of(queue, queues))
            await remaking.bring_back(connection, queue)
        if bound is not None:
            await bound()
        # Last, so that it proves all the rest.
        await _declare_marker(channel, subscriptions, passive=False)


async def declare_listener(
    channel: AbstractChannel,
    name: str,
    events: Collection[type[Event]],
    *,
    longest: int,
) -> str:
    """Declare a queue that ends with the connection; return where its overflow goes.

    It is no reader that events wait for: what it can't hold, the oldest, is moved to a
    second queue of its own, whose first message says that something was missed.
    """
    overflow = f"{name}.overflow"
    await _declare_own_queue(channel, overflow, {"x-max-length": 1})
    queue = await _declare_own_queue(
        channel,
        name,
        {
            "x-max-length": longest,
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": overflow,
        },
    )
    for event in events:
        await queue.bind(EXCHANGE, event.TYPE, timeout=DECLARE_SECONDS)
    return overflow


async def assert_declared(
    connection: AbstractConnection, subscriptions: Subscriptions
) -> None:
    """Raise ChannelNotFoundEntity unless this very topology has been declared."""
    channel = await connection.channel()
    await _declare_marker(channel, subscriptions, passive=True)
    await channel.close()


async def is_declared(
    connection: AbstractConnection, subscriptions: Subscriptions
) -> bool:
    """Whether all of this very topology has been declared, to its last binding."""
    try:
        await assert_declared(connection, subscriptions)
    except ChannelNotFoundEntity:
        return False
    return True


async def _all_are_there(
    connection: AbstractConnection, subscriptions: Subscriptions
) -> bool:
    """Whether every reader has its queue."""
    states = [await state_of(connection, reader) for reader in subscriptions]
    return None not in states


def _queues_of_consumer(consumer: str, events: Sequence[type[Event]]) -> list[Queue]:
    main = Queue(
        consumer,
        {
            **_QUORUM,
            # One replica is served, the others stand by: what is delivered here has
            # nothing before it that another one is still at.
            "x-single-active-consumer": True,
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-dead-letter-routing-key": dead_queue(consumer),
        },
        tuple(sorted(event.TYPE for event in events)),
    )
    retries = [
        Queue(
            f"{consumer}.retry.{suffix}",
            {
                **_QUORUM,
                "x-message-ttl": int(seconds * 1000),
                "x-dead-letter-routing-key": consumer,
            },
        )
        for suffix, seconds in RETRIES.items()
    ]
    # Looking at dead letters counts as delivering them: 4.x would drop them at 20.
    dead = Queue(
        dead_queue(consumer),
        {"x-queue-type": "quorum", "x-delivery-limit": UNLIMITED},
    )
    return [main, *retries, dead]


def _feeders_of(queue: Queue, queues: Sequence[Queue]) -> list[str]:
    """Return the queues whose messages go to this one when their time has come."""
    return [
        each.name
        for each in queues
        if each.arguments.get("x-dead-letter-routing-key") == queue.name
    ]


async def _delete_marker(
    channel: AbstractChannel, subscriptions: Subscriptions
) -> None:
    """Let no relay trust the queues: each is there before it is bound."""
    await channel.exchange_delete(_marker(subscriptions), timeout=DECLARE_SECONDS)


async def _declare_own_queue(
    channel: AbstractChannel, name: str, arguments: dict[str, FieldValue]
) -> AbstractQueue:
    return await channel.declare_queue(
        name,
        durable=False,
        exclusive=True,
        auto_delete=True,
        # Said aloud, as a virtual host may have another type by default.
        arguments={"x-queue-type": "classic", "x-overflow": "drop-head", **arguments},
        timeout=DECLARE_SECONDS,
    )


async def _declare_marker(
    channel: AbstractChannel, subscriptions: Subscriptions, *, passive: bool
) -> None:
    """Declare the exchange whose name says: all of this has been declared."""
    await channel.declare_exchange(
        _marker(subscriptions),
        ExchangeType.FANOUT,
        durable=True,
        passive=passive,
        timeout=DECLARE_SECONDS,
    )


def _marker(subscriptions: Subscriptions) -> str:
    described = [
        [q.name, q.routing_keys, q.arguments] for q in queues_of(subscriptions)
    ]
    digest = hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()
    return f"{EXCHANGE}.declared.{digest[:16]}"
