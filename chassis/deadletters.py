"""Dead letters: what no retry could handle, for operators to see, replay or drop."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import datetime

from aio_pika.abc import AbstractConnection, AbstractIncomingMessage

from chassis.bus import Message, Publisher
from chassis.receiver import ATTEMPTS, ERROR, FAILED_AT
from chassis.topology import dead_queue

GET_SECONDS = 5


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
        async for message in self._taken():
            found.append(_letter_of(message))
            if len(found) == limit:
                break
        return found

    async def find(self, message_id: str) -> DeadLetter | None:
        async for message in self._taken():
            if message.message_id == message_id:
                return _letter_of(message)
        return None

    async def replay(self, message_id: str | None = None) -> int:
        """Give one, or all, back to the consumer; return how many that were.

        The inbox makes replaying what was handled after all harmless.
        """
        publisher = await Publisher.open(self._connection)
        count = 0
        async for message in self._chosen(message_id):
            await publisher.publish(self._afresh(message))
            await message.ack()
            count += 1
        return count

    async def drop(self, message_id: str | None = None) -> int:
        """Delete one, or all, for good; return how many that were."""
        count = 0
        async for message in self._chosen(message_id):
            await message.ack()
            count += 1
        return count

    async def _chosen(
        self, message_id: str | None
    ) -> AsyncGenerator[AbstractIncomingMessage]:
        async for message in self._taken():
            if message_id is None or message.message_id == message_id:
                yield message

    async def _taken(self) -> AsyncGenerator[AbstractIncomingMessage]:
        """Yield each once; those not acknowledged go back when the channel closes."""
        channel = await self._connection.channel()
        try:
            queue = await channel.declare_queue(
                dead_queue(self._consumer), passive=True, timeout=GET_SECONDS
            )
            for _ in range(queue.declaration_result.message_count or 0):
                message = await queue.get(fail=False, timeout=GET_SECONDS)
                if message is None:
                    return
                yield message
        finally:
            await channel.close()

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
