"""Events that a reader never got: lost with the broker, or by going back in time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from contracts.subscriptions import SUBSCRIPTIONS
from deploy.operate.snapshots import connected
from deploy.operate.targets import SERVICES, Targets

CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Unheard:
    """An event that was published, and that these readers have not handled."""

    producer: str
    event_id: UUID
    type: str
    readers: Sequence[str]


async def unheard(targets: Targets, *, older_than: timedelta) -> list[Unheard]:
    """Compare every outbox with the inboxes of its readers.

    What was published more recently than `older_than` may still be on its way.
    """
    handled = {
        consumer: await _handled(targets, consumer) for consumer in SUBSCRIPTIONS
    }
    found: list[Unheard] = []
    for producer in SERVICES:
        for event_id, type_ in await _published(targets, producer, older_than):
            readers = [
                consumer
                for consumer in _readers(type_)
                if event_id not in handled[consumer]
            ]
            if readers:
                found.append(Unheard(producer, event_id, type_, readers))
    return found


async def resend(targets: Targets, events: Iterable[Unheard]) -> Mapping[str, int]:
    """Have the relays publish them again; the inbox of who knows one passes it over."""
    by_producer: dict[str, list[UUID]] = {}
    for event in events:
        by_producer.setdefault(event.producer, []).append(event.event_id)
    for producer, ids in by_producer.items():
        async with connected(targets.owner(producer)) as connection:
            await connection.execute(
                "SELECT set_config('search_path', $1, false)", producer
            )
            for first in range(0, len(ids), CHUNK):
                await connection.execute(
                    """
                    UPDATE outbox SET published_at = NULL, retry_at = NULL
                    WHERE event_id = ANY($1)
                    """,
                    ids[first : first + CHUNK],
                )
    return {producer: len(ids) for producer, ids in by_producer.items()}


def _readers(type_: str) -> list[str]:
    return [
        consumer
        for consumer, events in SUBSCRIPTIONS.items()
        if type_ in {event.TYPE for event in events}
    ]


async def _handled(targets: Targets, consumer: str) -> set[UUID]:
    async with connected(targets.auditor(consumer)) as connection:
        rows = await connection.fetch(
            f"SELECT event_id FROM {consumer}.inbox WHERE consumer = $1",  # noqa: S608 - a name from our contracts
            consumer,
        )
    return {row["event_id"] for row in rows}


async def _published(
    targets: Targets, producer: str, older_than: timedelta
) -> list[tuple[UUID, str]]:
    async with connected(targets.auditor(producer)) as connection:
        rows = await connection.fetch(
            f"""
            SELECT event_id, type FROM {producer}.outbox
            WHERE published_at <= now() - $1::interval ORDER BY seq
            """,  # noqa: S608 - a name from our own list
            older_than,
        )
    return [(row["event_id"], row["type"]) for row in rows]
