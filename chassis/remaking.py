"""Makes a queue anew whose arguments have changed, and keeps every message.

The broker changes no queue. So what lies in X is moved to a second one, `X.moving`,
which gets X's events meanwhile; X is deleted and declared as it should be, and all of
it comes back. Whatever step is the last of a run, each message is in one of the two,
and the next run goes on from there; a message may be there twice, which does no harm.
A run that refuses or fails before X is deleted leaves all in X; one that is killed
leaves X without new events until the next run: they wait in `X.moving`.
What waits for its time in a queue that is itself made anew begins its wait again.
"""

import asyncio
from collections.abc import AsyncGenerator, Collection, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from aio_pika.abc import AbstractChannel, AbstractConnection
from aiormq.abc import DeliveredMessage

from chassis.bus import CONFIRM_SECONDS, LOST_ERRORS, ProtocolChannel, protocol_of
from chassis.migrations import CannotMigrate
from chassis.queues import (
    Queue,
    QueueState,
    bind,
    declare_queue,
    delete_queue,
    state_of,
    unbind,
)
from chassis.watermarks import is_watermark

BATCH = 200
#: A queue that delivers nothing for so long is empty, and nothing is on its way there.
IDLE_SECONDS = 1.0
#: The most that can be kept in hand of all the queues that feed one.
MOST_IN_HAND = 65_535
IN_HAND_SECONDS = 30.0
LOOK_SECONDS = 0.02
#: On 4.x a queue that says nothing has a delivery limit.
UNLIMITED = 1_000_000


class CannotRemake(CannotMigrate):
    """The queue keeps its messages; says in one line what stands in the way."""


async def remake(
    connection: AbstractConnection, queue: Queue, feeders: Collection[str]
) -> None:
    """Make the queue anew, and leave its messages to `bring_back`.

    `feeders` are the queues whose messages come to it in time. Raises CannotRemake
    where somebody consumes it.
    """
    async with AsyncExitStack() as held:
        async with _undone_if_it_fails(connection, queue):
            await _refuse_if_consumed(connection, queue.name)
            await held.enter_async_context(_in_hand(connection, feeders))
            await _empty(connection, queue)
            # The broker has no way to delete a queue only if it is empty and unused.
            await _refuse_if_consumed(connection, queue.name)
        await delete_queue(connection, queue.name)
        await declare_queue(connection, queue)


async def bring_back(connection: AbstractConnection, queue: Queue) -> None:
    """Bring back what was moved, by this run or by one that was interrupted."""
    moving = _moving(queue)
    if await state_of(connection, moving.name) is None:
        return
    await unbind(connection, moving)
    await _move(connection, moving.name, queue.name)
    await delete_queue(connection, moving.name)


@asynccontextmanager
async def _undone_if_it_fails(
    connection: AbstractConnection, queue: Queue
) -> AsyncGenerator[None]:
    """Let processes that go on with the queue as it is have all events in it.

    Also those that an earlier run moved, if it was killed.
    """
    try:
        yield
    except BaseException:
        # Who has lost the broker undoes nothing, and says what he has lost it by.
        with suppress(*LOST_ERRORS):
            await _undo(connection, queue)
        raise


async def _undo(connection: AbstractConnection, queue: Queue) -> None:
    if await state_of(connection, _moving(queue).name) is not None:
        # First, so that no event goes to neither.
        await bind(connection, queue)
        await bring_back(connection, queue)


async def _empty(connection: AbstractConnection, queue: Queue) -> None:
    """Let all that is in the queue, and what comes from now on, go to `X.moving`."""
    moving = _moving(queue)
    await declare_queue(connection, moving)
    await _to_its_end(unbind(connection, queue))
    await _move(connection, queue.name, moving.name)


async def _to_its_end(step: Coroutine[object, object, None]) -> None:
    """Take a step that can't be cancelled midway: nothing would undo it for sure.

    What the broker was asked on one channel may come after what it is asked on another.
    """
    taken = asyncio.ensure_future(step)
    try:
        await asyncio.shield(taken)
    except asyncio.CancelledError:
        await taken
        raise


def _moving(queue: Queue) -> Queue:
    arguments = {"x-queue-type": "quorum", "x-delivery-limit": UNLIMITED}
    return Queue(f"{queue.name}.moving", dict(arguments), queue.routing_keys)


async def _refuse_if_consumed(connection: AbstractConnection, name: str) -> None:
    if (await _state(connection, name)).consumers:
        raise CannotRemake(
            f"the queue {name} must be made anew, and a process still consumes it:"
            " stop the processes, then run this again"
        )


async def _state(connection: AbstractConnection, name: str) -> QueueState:
    return await state_of(connection, name) or QueueState(0, 0)


@asynccontextmanager
async def _in_hand(
    connection: AbstractConnection, feeders: Collection[str]
) -> AsyncGenerator[None]:
    """Keep all that waits in these queues from leaving them by itself.

    What came to the queue just when it is deleted would be lost. A message that
    somebody has in hand doesn't expire, and goes back when the channel closes.
    """
    async with _channel(connection, publisher_confirms=False) as channel:
        await channel.set_qos(MOST_IN_HAND)
        protocol = await protocol_of(channel)
        for feeder in feeders:
            if await state_of(connection, feeder) is not None:
                await protocol.basic_consume(feeder, _keep)
                await _until_empty(connection, feeder)
        yield


async def _keep(_message: DeliveredMessage) -> None:
    """Do nothing: it stays the broker's."""


async def _until_empty(connection: AbstractConnection, feeder: str) -> None:
    try:
        async with asyncio.timeout(IN_HAND_SECONDS):
            # No event can be set by the broker.
            while (await _state(connection, feeder)).messages:  # noqa: ASYNC110
                await asyncio.sleep(LOOK_SECONDS)
    except TimeoutError:
        raise CannotRemake(
            f"too many messages wait in {feeder} for the queue that must be made anew:"
            " let the processes of the release before handle them first"
        ) from None


async def _move(connection: AbstractConnection, source: str, target: str) -> None:
    """Move all messages; each is deleted there when the broker has it here."""
    while True:
        async with (
            _channel(connection, on_return_raises=True) as giving,
            # Closed first: what was taken and isn't there yet goes back.
            _channel(connection, publisher_confirms=False) as taking,
        ):
            await taking.set_qos(BATCH)
            publisher = await protocol_of(giving)
            await _pass_on(await protocol_of(taking), source, publisher, target)
        if not (await _state(connection, source)).messages:
            return


@asynccontextmanager
async def _channel(
    connection: AbstractConnection, **options: bool
) -> AsyncGenerator[AbstractChannel]:
    """Yield a channel, and close it; a lost broker is told by whoever was using it."""
    channel = await connection.channel(**options)
    try:
        yield channel
    finally:
        with suppress(*LOST_ERRORS):
            await channel.close()


async def _pass_on(
    taking: ProtocolChannel, source: str, giving: ProtocolChannel, target: str
) -> None:
    arrived: asyncio.Queue[DeliveredMessage] = asyncio.Queue()
    consuming = await taking.basic_consume(source, arrived.put)

    async def take(seconds: float) -> None:
        while batch := await _next(arrived, seconds):
            await _copy(giving, batch, target)
            await taking.basic_ack(batch[-1].delivery_tag or 0, multiple=True)

    await take(IDLE_SECONDS)
    await taking.basic_cancel(consuming.consumer_tag or "")
    # What was delivered just before that; none is left to go back by itself.
    await take(LOOK_SECONDS)


async def _next(
    arrived: asyncio.Queue[DeliveredMessage], seconds: float
) -> list[DeliveredMessage]:
    """Return what has arrived; nothing if nothing comes for so long."""
    try:
        async with asyncio.timeout(seconds):
            batch = [await arrived.get()]
    except TimeoutError:
        return []
    while len(batch) < BATCH and not arrived.empty():
        batch.append(arrived.get_nowait())
    return batch


async def _copy(
    channel: ProtocolChannel, batch: Sequence[DeliveredMessage], target: str
) -> None:
    """Return when the broker has all of them in the target."""
    # A watermark isn't worth the way: the next one says more.
    events = [m for m in batch if not is_watermark(m.header.properties.message_type)]
    async with asyncio.timeout(CONFIRM_SECONDS):
        await asyncio.gather(
            *(
                channel.basic_publish(
                    message.body,
                    routing_key=target,
                    mandatory=True,
                    properties=message.header.properties,
                    wait=False,
                )
                for message in events
            )
        )
