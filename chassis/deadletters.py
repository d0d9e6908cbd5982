"""Dead letters: what no retry could handle, for operators to see, replay or drop."""

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

from aio_pika.abc import (
    AbstractChannel,
    AbstractConnection,
    AbstractIncomingMessage,
    AbstractQueue,
)
from aio_pika.exceptions import ChannelNotFoundEntity
from pydantic import JsonValue

from chassis import audit
from chassis.bus import Message, Publisher
from chassis.context import Cause, because_of
from chassis.db import Database
from chassis.events import Envelope
from chassis.ids import uuid7
from chassis.receiver import ATTEMPTS, ERROR, FAILED_AT
from chassis.topology import dead_queue

ANSWER_SECONDS = 5
LOOK_SECONDS = 0.02
MOST_LOOKS = 250
#: Events carry no secrets; what else may lie here is not shown either.
_SECRET = re.compile(r"password|token|secret|authorization|cookie|key$", re.IGNORECASE)
MASK = "***"
#: How many are listed unless more are asked for, and at most: all are held meanwhile.
LISTED = 100
MOST_LISTED = 10_000
MOST_CHARACTERS = 20_000


class QueueMissing(Exception):
    """The broker has no such queue; the message says what to do."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that its consumer gave up on."""

    message_id: str
    type: str
    attempts: int
    error: str
    failed_at: datetime | None
    body: str

    @property
    def subject(self) -> UUID:
        """The object that it is about; all zeros where that can't be read."""
        try:
            return Envelope.read(self.body.encode()).subject
        except ValueError:
            return UUID(int=0)

    @property
    def masked_body(self) -> str:
        """The body for people to see, without what looks like a secret."""
        try:
            content: JsonValue = json.loads(self.body)
        except ValueError:
            return self.body[:MOST_CHARACTERS]
        return json.dumps(_masked(content), ensure_ascii=False)[:MOST_CHARACTERS]


#: Notes that a letter goes, before it does.
Record: TypeAlias = Callable[[DeadLetter], Awaitable[None]]


def recording(database: Database, reason: str, actor: str) -> Record:
    """Return what notes a dropped letter, and why, in its consumer's audit log."""
    run_id = str(uuid7())

    async def record(letter: DeadLetter) -> None:
        details = {
            "message_id": letter.message_id,
            "type": letter.type,
            "error": letter.error,
            "reason": reason,
        }
        with because_of(Cause(run_id, run_id, actor)):
            async with database.transaction() as tx:
                await audit.record(
                    tx, "dead_letter.dropped", subject=letter.subject, details=details
                )

    return record


class DeadLetters:
    """One consumer's dead letters; nothing is lost by looking at them."""

    def __init__(self, connection: AbstractConnection, consumer: str) -> None:
        self._connection = connection
        self._consumer = consumer

    async def list(self, limit: int = LISTED) -> list[DeadLetter]:
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

    async def drop(self, message_id: str | None, record: Record) -> int:
        """Delete one, or all, for good, each once it is recorded; return how many."""

        async def note(message: AbstractIncomingMessage) -> None:
            await record(_letter_of(message))

        return await self._remove(message_id, note)

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
            queue = await self._queue(channel)
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
            if untouched := [m for m in taken if not m.processed]:
                await self._give_back(channel, untouched)
            await channel.close()

    async def _queue(self, channel: AbstractChannel) -> AbstractQueue:
        name = dead_queue(self._consumer)
        try:
            return await channel.get_queue(name)
        except ChannelNotFoundEntity:
            raise QueueMissing(f"there is no queue {name}: run `migrate`") from None

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


def _masked(content: JsonValue) -> JsonValue:
    if isinstance(content, dict):
        return {
            name: MASK if _SECRET.search(name) else _masked(value)
            for name, value in content.items()
        }
    if isinstance(content, list):
        return [_masked(value) for value in content]
    return content


def _letter_of(message: AbstractIncomingMessage) -> DeadLetter:
    attempts = message.headers.get(ATTEMPTS, 0)
    return DeadLetter(
        message_id=message.message_id or "",
        type=message.type or "unknown",
        attempts=attempts if isinstance(attempts, int) else 0,
        error=str(message.headers.get(ERROR) or _reason_of(message)),
        failed_at=_instant(message.headers.get(FAILED_AT)),
        body=message.body.decode(errors="replace"),
    )


def _instant(header: object) -> datetime | None:
    """Read what the consumer noted; whoever puts a letter here may note anything."""
    try:
        return datetime.fromisoformat(str(header))
    except ValueError:
        return None


def _reason_of(message: AbstractIncomingMessage) -> str:
    """Say why the broker itself gave up, such as `delivery_limit`."""
    return str(message.headers.get("x-first-death-reason", "unknown"))
