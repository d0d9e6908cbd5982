"""Events that a reader never got: lost with the broker, or by going back in time.

Nothing notes when a reader began to read a type of event. What was published before
looks like what was lost; only the inbox tells them apart, and not always. In doubt
about the latest, an event counts as lost: to send once too often is harmless.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from contracts.subscriptions import SUBSCRIPTIONS
from deploy.operate.snapshots import connected
from deploy.operate.targets import SERVICES, Targets

CHUNK = 1000
#: Nothing is between it and itself.
NEVER = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Unheard:
    """An event that was published, and that these readers have not handled."""

    producer: str
    event_id: UUID
    type: str
    readers: Sequence[str]
    #: None of these readers has handled an older one of this type, though they have
    #: handled others from before and after it: it was lost, or they didn't read this
    #: type yet.
    doubtful: bool


async def unheard(
    targets: Targets, *, older_than: timedelta, lost_since: datetime | None = None
) -> list[Unheard]:
    """Compare every outbox with the inboxes of its readers, as of this release.

    What was published more recently than `older_than` may still be on its way. Nothing
    is doubtful that was emitted after `lost_since`.
    """
    inboxes = {reader: await _inbox(targets, reader) for reader in SUBSCRIPTIONS}
    found: list[Unheard] = []
    for producer in SERVICES:
        for each in await _published(targets, producer, older_than):
            event_id, type_ = each.event_id, each.type
            missing = {
                reader: inboxes[reader].may_precede(event_id, type_)
                for reader in _readers(type_)
                if event_id not in inboxes[reader].events
            }
            if missing:
                is_old = lost_since is None or each.emitted_at <= lost_since
                doubtful = is_old and all(missing.values())
                found.append(
                    Unheard(producer, event_id, type_, list(missing), doubtful)
                )
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


class _Inbox:
    """What one reader has handled; ids of events are in the order of their time."""

    def __init__(self, handled: Iterable[tuple[UUID, str]]) -> None:
        self.events = set[UUID]()
        self._first: dict[str, UUID] = {}
        for event_id, type_ in handled:
            self.events.add(event_id)
            self._first[type_] = min(event_id, self._first.get(type_, event_id))
        self._oldest = min(self.events, default=NEVER)
        self._newest = max(self.events, default=NEVER)

    def may_precede(self, event_id: UUID, type_: str) -> bool:
        """Tell whether the reader may have begun to read this type only later.

        Not if it handled nothing younger, as where it went back in time.
        """
        first = self._first.get(type_, self._newest)
        return self._oldest < event_id < first


async def _inbox(targets: Targets, reader: str) -> _Inbox:
    async with connected(targets.auditor(reader)) as connection:
        rows = await connection.fetch(
            f"SELECT event_id, type FROM {reader}.inbox WHERE consumer = $1",  # noqa: S608 - a name from our contracts
            reader,
        )
    return _Inbox((row["event_id"], row["type"]) for row in rows)


@dataclass(frozen=True, slots=True)
class _Published:
    event_id: UUID
    type: str
    emitted_at: datetime


async def _published(
    targets: Targets, producer: str, older_than: timedelta
) -> list[_Published]:
    async with connected(targets.auditor(producer)) as connection:
        rows = await connection.fetch(
            f"""
            SELECT event_id, type, emitted_at FROM {producer}.outbox
            WHERE published_at <= now() - $1::interval ORDER BY seq
            """,  # noqa: S608 - a name from our own list
            older_than,
        )
    return [_Published(*row.values()) for row in rows]
