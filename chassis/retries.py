"""Notes which events wait in a retry queue, so that no watermark passes them."""

from collections.abc import Collection
from uuid import UUID

from chassis.db import Database, Transaction
from chassis.events import Envelope


async def note(
    database: Database, consumer: str, envelope: Envelope, *, seconds: float
) -> None:
    """Note that the event will be back in so many seconds; before it is sent away."""
    await database.execute(
        """
        INSERT INTO retries (consumer, event_id, producer, emitted_at, due_at)
        VALUES ($1, $2, $3, $4, now() + make_interval(secs => $5))
        ON CONFLICT (consumer, event_id) DO UPDATE
        SET due_at = greatest(retries.due_at, EXCLUDED.due_at)
        """,
        consumer,
        envelope.id,
        envelope.type.partition(".")[0],
        envelope.time,
        seconds,
    )


async def forget(
    tx: Transaction | Database, consumer: str, event_ids: Collection[UUID]
) -> None:
    """Let watermarks pass these events: they have been handled, or are dead."""
    await tx.execute(
        "DELETE FROM retries WHERE consumer = $1 AND event_id = ANY($2)",
        consumer,
        sorted(event_ids),
    )
