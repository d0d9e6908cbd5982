"""What takes two services to see: events lost or invented, projections left behind."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import LiteralString
from uuid import UUID

from chassis.checks import CheckResult
from chassis.db import Database
from contracts.subscriptions import SUBSCRIPTIONS
from deploy import unheard

#: An event that is still unpublished after this long is stuck.
UNPUBLISHED_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Projection:
    """A reader's copy of an owner's objects, with the statements that list both."""

    reader: str
    owner: str
    #: What the owner republishes to rebuild it.
    objects: str
    kept: LiteralString
    current: LiteralString


_CUSTOMERS: LiteralString = "SELECT id, version FROM customers"

PROJECTIONS = (
    Projection(
        "billing",
        "accounts",
        "customers",
        # Version 0 is a customer that a token spoke of before the event came.
        kept="SELECT id, version FROM customers WHERE version > 0",
        current=_CUSTOMERS,
    ),
    Projection(
        "tickets",
        "accounts",
        "customers",
        kept="SELECT id, version FROM customers",
        current=_CUSTOMERS,
    ),
    Projection(
        "notifier",
        "accounts",
        "customers",
        kept="SELECT id, version FROM customers",
        current=_CUSTOMERS,
    ),
    Projection(
        "tickets",
        "accounts",
        "staff_members",
        kept="SELECT id, version FROM staff_members",
        current="SELECT id, version FROM users WHERE role IS NOT NULL",
    ),
    Projection(
        "tickets",
        "billing",
        "services",
        kept="SELECT id, version FROM services",
        current="SELECT id, version FROM services",
    ),
    Projection(
        "tickets",
        "billing",
        "invoices",
        kept="SELECT id, version FROM invoices",
        current="SELECT id, version FROM invoices",
    ),
    Projection(
        "billing",
        "tickets",
        "tickets",
        kept="SELECT id, version FROM tickets",
        current="SELECT id, version FROM tickets WHERE NOT internal",
    ),
)


async def cross_checks(databases: Mapping[str, Database]) -> dict[str, CheckResult]:
    """Return what each check saw, by its name."""
    return {
        "no event is lost": await _lost(databases),
        "no event is stuck": await _stuck(databases),
        "no event was invented": await _invented(databases),
        "projections are current": await _projections(databases),
    }


async def _lost(databases: Mapping[str, Database]) -> CheckResult:
    # `_invented` reads inboxes before outboxes, and this the other way round: what is
    # emitted in between harms neither.
    compared = await unheard.compare(databases)
    unnoted = [
        f"since when {consumer} reads {type_} is not noted: run `migrate`"
        for consumer, type_ in compared.unnoted
    ]
    missing = [
        f"{reader} has not handled {event.type} {event.event_id}"
        for event in compared.unheard
        for reader in event.readers
    ]
    return CheckResult(compared.awaited, [*unnoted, *missing])


async def _stuck(databases: Mapping[str, Database]) -> CheckResult:
    checked, violations = 0, list[str]()
    for name, database in databases.items():
        async with database.reading() as tx:
            checked += await tx.fetchval("SELECT count(*) FROM outbox")
            rows = await tx.fetch(
                """
                SELECT event_id, type FROM outbox
                WHERE published_at IS NULL
                  AND emitted_at < now() - make_interval(secs => $1)
                """,
                float(UNPUBLISHED_SECONDS),
            )
        violations += [f"{name} holds {row['type']} {row['event_id']}" for row in rows]
    return CheckResult(checked, violations)


async def _invented(databases: Mapping[str, Database]) -> CheckResult:
    """Compare only with what the outboxes still keep: they are purged first."""
    handled = {name: await _handled(databases, name) for name in SUBSCRIPTIONS}
    events = await _emitted(databases)
    oldest = min(events, default=None)
    checked, violations = 0, list[str]()
    for consumer, types in handled.items():
        recent = {e: t for e, t in types.items() if oldest is None or e >= oldest}
        checked += len(recent)
        violations += [
            f"{consumer} handled {recent[event]} {event}, which nobody emitted"
            for event in sorted(set(recent) - events)
        ]
    return CheckResult(checked, violations)


async def _emitted(databases: Mapping[str, Database]) -> set[UUID]:
    """Return every event that any outbox still holds."""
    events = set[UUID]()
    for database in databases.values():
        async with database.reading() as tx:
            rows = await tx.fetch("SELECT event_id FROM outbox")
        events |= {row["event_id"] for row in rows}
    return events


async def _handled(databases: Mapping[str, Database], consumer: str) -> dict[UUID, str]:
    async with databases[consumer].reading() as tx:
        rows = await tx.fetch(
            "SELECT event_id, type FROM inbox WHERE consumer = $1", consumer
        )
    return {row["event_id"]: row["type"] for row in rows}


async def _projections(databases: Mapping[str, Database]) -> CheckResult:
    return await compare(databases, PROJECTIONS)


async def compare(
    databases: Mapping[str, Database], projections: Iterable[Projection]
) -> CheckResult:
    """Compare these copies with what their owners have."""
    checked, violations = 0, list[str]()
    for projection in projections:
        current = await _versions(databases[projection.owner], projection.current)
        kept = await _versions(databases[projection.reader], projection.kept)
        checked += len(current)
        violations += [
            f"{projection.reader} has version {kept.get(id_)} of {id_}, "
            f"{projection.owner} has {version}"
            for id_, version in current.items()
            if kept.get(id_) != version
        ]
        violations += [
            f"{projection.reader} knows {id_}, {projection.owner} doesn't"
            for id_ in kept.keys() - current.keys()
        ]
    return CheckResult(checked, violations)


async def _versions(database: Database, sql: LiteralString) -> dict[UUID, int]:
    async with database.reading() as tx:
        return {row["id"]: row["version"] for row in await tx.fetch(sql)}
