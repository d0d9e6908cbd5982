"""One migration at a time: a queue that is exclusive is the lock at the broker."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

from aio_pika.abc import AbstractChannel, AbstractConnection
from aiormq.exceptions import ChannelLockedResource

from chassis.bus import LOST_ERRORS
from chassis.migrations import MigrationsLocked
from chassis.queues import DECLARE_SECONDS

LOCK = "migrate.lock"
LOCK_SECONDS = 120
TRIES_A_SECOND = 5


@asynccontextmanager
async def locked(connection: AbstractConnection) -> AsyncGenerator[None]:
    """Hold the lock of whoever changes queues; several connections take turns.

    The broker lets go of it when the connection ends, and with that whatever was asked
    on it: so all that needs the lock is to be done on this connection. Raises
    MigrationsLocked when another takes too long.
    """
    channel = await _take(connection)
    try:
        yield
    finally:
        # Who has lost the broker has lost the lock as well.
        with suppress(*LOST_ERRORS):
            await channel.queue_delete(LOCK, timeout=DECLARE_SECONDS)
            await channel.close()


async def _take(connection: AbstractConnection) -> AbstractChannel:
    for _ in range(LOCK_SECONDS * TRIES_A_SECOND):
        # The refusal costs the channel.
        channel = await connection.channel()
        try:
            await _declare(channel)
        except ChannelLockedResource:
            await asyncio.sleep(1 / TRIES_A_SECOND)
        else:
            return channel
    raise MigrationsLocked(
        f"the queue {LOCK} stayed another migration's for {LOCK_SECONDS} s, which hangs"
        " or runs long: try again when it has ended, or end it"
    )


async def _declare(channel: AbstractChannel) -> None:
    await channel.declare_queue(
        LOCK,
        durable=False,
        exclusive=True,
        auto_delete=True,
        # Said aloud, as a virtual host may have another type by default.
        arguments={"x-queue-type": "classic"},
        timeout=DECLARE_SECONDS,
    )
