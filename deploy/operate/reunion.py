"""Brings a service that went back in time together with those that didn't.

They never take a version that is older than what they have, so that whatever the
service does next would pass them by. Its objects therefore get versions beyond those,
and are told anew.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from chassis.db import open_database
from chassis.republish import republish
from contracts.subscriptions import SUBSCRIPTIONS
from deploy.crosschecks import PROJECTIONS, Projection
from deploy.operate.console import say
from deploy.operate.snapshots import connected
from deploy.operate.targets import Targets
from deploy.processes import SERVICES

#: Where an owner keeps what it republishes; the rest have the same name.
TABLES: Mapping[str, str] = {"staff_members": "users"}


async def reunite(
    targets: Targets, restored: Sequence[str], taken_at: datetime
) -> None:
    """Raise versions, have states told anew, and say what only others still know."""
    for projection in PROJECTIONS:
        if projection.owner in restored and projection.reader not in restored:
            await _raise_versions(targets, projection)
    for process in SERVICES:
        if process.name not in restored:
            continue
        url = targets.owner(process.name)
        async with open_database(url, schema=process.name, pool_size=2) as database:
            for objects, republisher in process.republishers.items():
                count = await republish(database, republisher)
                say(f"{process.name}: {count} {objects} will be told anew")
        for type_, count in (await forgotten(targets, process.name, taken_at)).items():
            say(f"FORGOTTEN by {process.name}, known to others: {count} {type_}")


async def forgotten(
    targets: Targets, producer: str, since: datetime
) -> Mapping[str, int]:
    """Count the events that others handled, and that the producer doesn't know."""
    known = set[UUID]()
    async with connected(targets.auditor(producer)) as connection:
        rows = await connection.fetch(f"SELECT event_id FROM {producer}.outbox")  # noqa: S608 - a name of ours
        known |= {row["event_id"] for row in rows}
    lost: dict[UUID, str] = {}
    for consumer in SUBSCRIPTIONS:
        async with connected(targets.auditor(consumer)) as connection:
            rows = await connection.fetch(
                f"""
                SELECT event_id, type FROM {consumer}.inbox
                WHERE handled_at >= $1 AND starts_with(type, $2)
                """,  # noqa: S608 - a name of ours
                since,
                f"{producer}.",
            )
        lost |= {r["event_id"]: r["type"] for r in rows if r["event_id"] not in known}
    return dict(sorted(Counter(lost.values()).items()))


async def _raise_versions(targets: Targets, projection: Projection) -> None:
    async with connected(targets.auditor(projection.reader)) as reader:
        await _look_into(reader, projection.reader)
        kept = await reader.fetch(projection.kept)
    table = TABLES.get(projection.objects, projection.objects)
    async with connected(targets.owner(projection.owner)) as owner:
        await _look_into(owner, projection.owner)
        done = await owner.execute(
            f"""
            UPDATE {table} t SET version = k.version + 1
            FROM unnest($1::uuid[], $2::bigint[]) k(id, version)
            WHERE t.id = k.id AND t.version < k.version
            """,  # noqa: S608 - a table of ours
            [row["id"] for row in kept],
            [row["version"] for row in kept],
        )
    count = int(done.rpartition(" ")[2])
    if count:
        say(f"{projection.owner}: {count} {projection.objects} got a higher version")


async def _look_into(connection: asyncpg.Connection, schema: str) -> None:
    await connection.execute("SELECT set_config('search_path', $1, false)", schema)
