"""Events that arrive in a test as the receiver hands them over, without a broker."""

from datetime import UTC, datetime
from uuid import UUID

from chassis.db import Database
from chassis.events import Envelope, Event
from chassis.ids import uuid7
from chassis.inbox import Inbox, Incoming


async def deliver(
    inbox: Inbox,
    event: Event,
    *,
    event_id: UUID | None = None,
    times: int = 1,
    republished: bool = False,
) -> None:
    """Let an event arrive, each time in a transaction of its own."""
    envelope = envelope_of(event, event_id=event_id, republished=republished)
    for _ in range(times):
        await inbox.handle([Incoming(envelope, event)], {})


def envelope_of(
    event: Event, *, event_id: UUID | None = None, republished: bool = False
) -> Envelope:
    """Return what a relay would put around the event now."""
    return Envelope(
        id=event_id or uuid7(),
        type=event.TYPE,
        source=event.TYPE.partition(".")[0],
        subject=event.subject,
        time=datetime.now(UTC),
        correlationid="test",
        causationid="test",
        version=event.version,
        republished=republished,
        data=event.model_dump(mode="json"),
    )


async def mark(db: Database, producer: str, *, complete: bool) -> None:
    """Say whether all events of a producer have arrived."""
    async with db.transaction() as tx:
        await tx.execute("DELETE FROM watermarks WHERE producer = $1", producer)
        if complete:
            await tx.execute(
                "INSERT INTO watermarks VALUES ($1, now() + interval '1 day')",
                producer,
            )
