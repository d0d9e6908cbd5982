"""Events that a reader has not handled, though it had begun to read their type."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from chassis.db import Database
from contracts.subscriptions import SUBSCRIPTIONS


@dataclass(frozen=True, slots=True)
class Unheard:
    """An event that these readers have not handled."""

    producer: str
    event_id: UUID
    type: str
    #: How long ago; None while it waits in the outbox.
    published_for: timedelta | None
    readers: Sequence[str]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What outboxes and inboxes say of each other, as of this release."""

    #: How often an event was to reach a reader.
    awaited: int
    unheard: Sequence[Unheard]
    #: Consumers, and types that they read since nobody knows when.
    unnoted: Sequence[tuple[str, str]]


async def unnoted(databases: Mapping[str, Database]) -> Sequence[tuple[str, str]]:
    """Return these consumers, and types that they read since nobody knows when."""
    return _unnoted(await _since(databases))


async def compare(databases: Mapping[str, Database]) -> Comparison:
    """Compare every outbox with the inboxes of those who read its events."""
    since = await _since({name: databases[name] for name in SUBSCRIPTIONS})
    # Outboxes first: what is emitted in between is not missed.
    published = [
        event
        for producer, database in databases.items()
        for event in await _published(database, producer)
    ]
    handled = {
        consumer: await _handled(databases[consumer], consumer)
        for consumer in SUBSCRIPTIONS
    }
    awaited, unheard = 0, list[Unheard]()
    for event in published:
        readers = [name for name in since if event.is_awaited(since[name])]
        awaited += len(readers)
        missing = [name for name in readers if event.event_id not in handled[name]]
        if missing:
            unheard.append(event.unheard_by(missing))
    return Comparison(awaited, unheard, _unnoted(since))


#: Since when which type is read.
_Readings = Mapping[str, datetime]


@dataclass(frozen=True, slots=True)
class _Published:
    producer: str
    event_id: UUID
    type: str
    published_at: datetime | None
    published_for: timedelta | None

    def is_awaited(self, readings: _Readings) -> bool:
        """Tell whether the reader gets it; what is not published yet, it will get.

        A relay notes the instant at which it began, so that what is of `since` or later
        was surely published after it.
        """
        since = readings.get(self.type)
        return since is not None and (
            self.published_at is None or self.published_at >= since
        )

    def unheard_by(self, readers: Sequence[str]) -> Unheard:
        return Unheard(
            self.producer, self.event_id, self.type, self.published_for, readers
        )


async def _since(databases: Mapping[str, Database]) -> Mapping[str, _Readings]:
    return {
        consumer: await _readings(database, consumer)
        for consumer, database in databases.items()
    }


async def _readings(database: Database, consumer: str) -> _Readings:
    """Return what was noted of the types that this release reads, once it did."""
    async with database.reading() as tx:
        rows = await tx.fetch(
            """
            SELECT type, since FROM readings
            WHERE consumer = $1 AND type = ANY($2) AND since IS NOT NULL
            """,
            consumer,
            _types(consumer),
        )
    return {row["type"]: row["since"] for row in rows}


async def _published(database: Database, producer: str) -> list[_Published]:
    async with database.reading() as tx:
        rows = await tx.fetch(
            """
            SELECT event_id, type, published_at, now() - published_at AS published_for
            FROM outbox ORDER BY seq
            """
        )
    return [_Published(producer, *row.values()) for row in rows]


async def _handled(database: Database, consumer: str) -> set[UUID]:
    async with database.reading() as tx:
        rows = await tx.fetch(
            "SELECT event_id FROM inbox WHERE consumer = $1", consumer
        )
    return {row["event_id"] for row in rows}


def _types(consumer: str) -> list[str]:
    return [event.TYPE for event in SUBSCRIPTIONS[consumer]]


def _unnoted(since: Mapping[str, _Readings]) -> list[tuple[str, str]]:
    return [
        (consumer, type_)
        for consumer, readings in since.items()
        for type_ in _types(consumer)
        if type_ not in readings
    ]
