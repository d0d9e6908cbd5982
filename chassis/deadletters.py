"""Dead letters: what no retry could handle, for operators to see, replay or drop."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage

from chassis.bus import Message, Publisher
from chassis.receiver import ATTEMPTS, ERROR, FAILED_AT
from chassis.topology import dead_queue

ANSWER_SECONDS = 5
LOOK_SECONDS = 0.02
MOST_LOOKS = 250


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that its consumer gave up on."""

    message_id: str
    type: str
    attempts: int
    error: str
    failed_at: datetime | None
    body: str


class DeadLetters:
    """One consumer's dead letters; nothing is lost by looking at them."""

    def __init__(self, connection: AbstractConnection, consumer: str) -> None:
        self._connection = connection
        self._consumer = consumer

    async def list(self, limit: int = 100) -> list[DeadLetter]:
        """Return the oldest ones."""
        found: list[DeadLetter] = []
        async with self._taken() as messages:
            async for message in messages:
                found.append(_letter_of(message))
                if len(found) == limit:
                    break
        return found

    async def find(self, message_id: str) -> DeadLetter | None:
        async with self._taken() as messages:
            async for message in messages:
                if message.message_id == message_id:
                    return _letter_of(message)
        return None

    async def replay(self, message_id: str | None = None) -> int:
        """Give one, or all, back to the consumer; return how many that were.

        The inbox makes replaying what was handled after all harmless.
        """
        publisher = await Publisher.open(self._connection)

        async def give_back(message: AbstractIncomingMessage) -> None:
            await publisher.publish(self._afresh(message))

        return await self._remove(message_id, give_back)

    async def drop(self, message_id: str | None = None) -> int:
        """Delete one, or all, for good; return how many that were."""

        async def nothing(_message: AbstractIncomingMessage) -> None: ...

        return await self._remove(message_id, nothing)

    async def _remove(
        self,
        message_id: str | None,
        first: Callable[[AbstractIncomingMessage], Awaitable[None]],
    ) -> int:
        """Take the named one, or all, out of the queue, after doing something first."""
        count = 0
        async with self._taken() as messages:
            async for message in messages:
                if message_id in {None, message.message_id}:
                    await first(message)
                    await message.ack()
                    count += 1
        return count

    @asynccontextmanager
    async def _taken(
        self,
    ) -> AsyncGenerator[AsyncGenerator[AbstractIncomingMessage]]:
        """Yield each message once; those not acknowledged go back at the end."""
        channel = await self._connection.channel()
        taken: list[AbstractIncomingMessage] = []

        async def messages() -> AsyncGenerator[AbstractIncomingMessage]:
            queue = await channel.get_queue(dead_queue(self._consumer))
            for _ in range(queue.declaration_result.message_count or 0):
                message = await queue.get(fail=False, timeout=ANSWER_SECONDS)
                if message is None:
                    return
                taken.append(message)
                yield message

        try:
            async with aclosing(messages()) as each:
                yield each
        finally:
            await self._give_back(channel, [m for m in taken if not m.processed])
            await channel.close()

    async def _give_back(
        self, channel: AbstractChannel, messages: Sequence[AbstractIncomingMessage]
    ) -> None:
        """Return when they can be seen again: the queue takes them back at leisure."""
        for message in messages:
            await message.nack(requeue=True)
        for _ in range(MOST_LOOKS):
            queue = await channel.get_queue(dead_queue(self._consumer))
            if (queue.declaration_result.message_count or 0) >= len(messages):
                return
            await asyncio.sleep(LOOK_SECONDS)

    def _afresh(self, message: AbstractIncomingMessage) -> Message:
        """Return the message without its past, so that it gets all its attempts."""
        return Message(
            exchange="",
            routing_key=self._consumer,
            type=message.type or "unknown",
            body=message.body,
            message_id=message.message_id or "",
        )


def _letter_of(message: AbstractIncomingMessage) -> DeadLetter:
    failed_at = message.headers.get(FAILED_AT)
    attempts = message.headers.get(ATTEMPTS, 0)
    return DeadLetter(
        message_id=message.message_id or "",
        type=message.type or "unknown",
        attempts=attempts if isinstance(attempts, int) else 0,
        error=str(message.headers.get(ERROR) or _reason_of(message)),
        failed_at=datetime.fromisoformat(str(failed_at)) if failed_at else None,
        body=message.body.decode(errors="replace"),
    )


def _reason_of(message: AbstractIncomingMessage) -> str:
    """Say why the broker itself gave up, such as `delivery_limit`."""
    return str(message.headers.get("x-first-death-reason", "unknown"))
