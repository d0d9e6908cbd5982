"""The inbox: an event's effects and the note that it came commit together, once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from chassis import metrics, readings, retries, watermarks
from chassis.consumers import Consumers, Delivery
from chassis.context import Cause
from chassis.db import Database, Transaction
from chassis.events import REGISTRY, Envelope, Event
from chassis.resources import Resources
from chassis.tracing import traced


class Poison(Exception):
    """A message that no retry can make readable."""


class UnknownEvent(Exception):
    """An event that this release doesn't know, or doesn't read; the next one may."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message that has been read: its envelope, and the event inside."""

    envelope: Envelope
    event: Event
    #: Whether it may be noted as a retry: it came before.
    again: bool = False


def read(body: bytes, *, again: bool = False) -> Incoming:
    """Read a message, or raise Poison or UnknownEvent."""
    try:
        envelope = Envelope.read(body)
        event = REGISTRY.get(envelope.type)
        if event is None:
            raise UnknownEvent(f"{envelope.type} is not an event of this release")
        return Incoming(envelope, event.model_validate(envelope.data), again)
    except ValidationError as fault:
        raise Poison(f"{fault.title}: {wrong_fields(fault)}") from None


class Inbox:
    """Handles events of one consumer: any number of times delivered, once done."""

    def __init__(
        self, consumers: Consumers, resources: Resources, db: Database
    ) -> None:
        self.consumer = consumers.name
        self._consumers = consumers
        self._resources = resources
        self._database = db
        self._lag = metrics.event_lag.labels(self.consumer)
        for counter in (metrics.events_retried, metrics.events_dead):
            metrics.expect(counter, self.consumer)
        for type_ in consumers.types:
            for counter in (metrics.events_handled, metrics.events_failed):
                metrics.expect(counter, self.consumer, type_)

    async def handle(
        self,
        incoming: Sequence[Incoming],
        marks: dict[str, datetime],
        *,
        connected_at: datetime | None = None,
    ) -> None:
        """Handle all of them in one transaction, or raise and leave no trace.

        `marks` are watermarks that came after them in the queue; `connected_at` is when
        the session with the broker began that brought them.
        """
        save_marks = partial(
            watermarks.save,
            consumer=self.consumer,
            marks=marks,
            connected_at=connected_at,
        )
        if not incoming:
            # Most of what a quiet process gets; it takes no more than a statement.
            await save_marks(self._database)
            return
        async with self._database.transaction() as tx:
            fresh = await self._note(tx, incoming)
            for message in incoming:
                if message.envelope.id in fresh:
                    fresh.remove(message.envelope.id)
                    await self._call(tx, message)
            if back := {m.envelope.id for m in incoming if m.again}:
                await retries.forget(tx, self.consumer, back)
            await save_marks(tx)
        self._count(incoming)

    async def note_retry(self, envelope: Envelope, *, seconds: float) -> None:
        """Let no watermark pass the event, which goes away and comes back."""
        await retries.note(self._database, self.consumer, envelope, seconds=seconds)

    async def forget_retry(self, envelope: Envelope) -> None:
        """Let watermarks pass the event: it is dead."""
        await retries.forget(self._database, self.consumer, [envelope.id])

    async def _note(self, tx: Transaction, incoming: Sequence[Incoming]) -> set[Any]:
        """Write the inbox rows; return the ids that weren't there before."""
        # Sorted, so that two processes with the same events can't deadlock.
        pairs = sorted((m.envelope.id, m.envelope.type) for m in incoming)
        rows = await tx.fetch(
            """
            INSERT INTO inbox (consumer, event_id, type)
            SELECT $1, * FROM unnest($2::uuid[], $3::text[])
            ON CONFLICT (consumer, event_id) DO NOTHING
            RETURNING event_id
            """,
            self.consumer,
            [event_id for event_id, _ in pairs],
            [type_ for _, type_ in pairs],
        )
        return {row["event_id"] for row in rows}

    async def _call(self, tx: Transaction, message: Incoming) -> None:
        handler = self._consumers.handler_of(type(message.event))
        if handler is None:
            await self._pass_over(tx, message.envelope.type)
            return
        envelope = message.envelope
        delivery = Delivery(
            event_id=envelope.id,
            occurred_at=envelope.time,
            correlation_id=envelope.correlationid,
            republished=envelope.republished,
            resources=self._resources,
        )
        attributes = {
            "messaging.system": "rabbitmq",
            "messaging.destination.name": self.consumer,
            "messaging.message.id": str(envelope.id),
        }
        name = f"handle {envelope.type}"
        with (
            traced(self._cause(envelope), name, "consumer", attributes),
            metrics.handler_seconds.labels(self.consumer, envelope.type).time(),
        ):
            await handler(tx, message.event, delivery)

    async def _pass_over(self, tx: Transaction, type_: str) -> None:
        """Leave alone what came by a binding of an earlier release: it has no reader.

        Raises UnknownEvent where the next release has noted that it reads it: replicas
        of that one are about to replace this, and are to have it.
        """
        if await readings.is_noted(tx, self.consumer, type_):
            raise UnknownEvent(f"{type_} is read by another release than this one")

    def _cause(self, envelope: Envelope) -> Cause:
        return Cause(
            cause_id=str(envelope.id),
            correlation_id=envelope.correlationid,
            actor=f"system:{self.consumer}",
            traceparent=envelope.traceparent,
        )

    def _count(self, incoming: Sequence[Incoming]) -> None:
        now = datetime.now(UTC)
        for message in incoming:
            envelope = message.envelope
            metrics.events_handled.labels(self.consumer, envelope.type).inc()
            self._lag.observe((now - envelope.time).total_seconds())


def wrong_fields(fault: ValidationError) -> str:
    """Say which fields are wrong, without their values."""
    places = (_place(item) for item in fault.errors(include_input=False))
    return ", ".join(dict.fromkeys(places))


def _place(item: ErrorDetails) -> str:
    if item["type"] == "json_invalid":
        return "no JSON"
    if not item["loc"]:
        # Without the message, which may quote a value.
        return f"all of it ({item['type']})"
    return ".".join(map(str, item["loc"]))
