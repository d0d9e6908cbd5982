"""Rebuilds a service's copies of another's objects from what the owner has now."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from uuid import UUID

from chassis.checks import STATEMENT_SECONDS, CheckResult
from chassis.db import Database, open_database
from chassis.ids import uuid7
from chassis.republish import republish
from contracts.subscriptions import SUBSCRIPTIONS
from deploy.crosschecks import PROJECTIONS, Projection, compare
from deploy.operate.console import say
from deploy.operate.faults import CannotOperate
from deploy.operate.letters import broker, queue_state
from deploy.operate.targets import Targets
from deploy.processes import SERVICES

POLL_SECONDS = 0.5
#: A process that was just started takes its time to read.
READER_SECONDS = 10.0
CHUNK = 1000
SHOWN = 10


async def rebuild(
    targets: Targets, reader: str, objects: str | None, *, wait_seconds: float
) -> bool:
    """Have the owners tell the reader all they have; return whether both agree then.

    Other readers hear it too, which changes nothing for them.
    """
    chosen = [
        projection
        for projection in PROJECTIONS
        if reader == projection.reader and objects in {None, projection.objects}
    ]
    if not chosen:
        known = ", ".join(p.objects for p in PROJECTIONS if p.reader == reader)
        named = "" if objects is None else f", not of {objects!r}"
        raise CannotOperate(f"{reader} keeps copies of {known or 'nothing'}{named}.")
    await _require_reader(targets, reader)
    run = str(uuid7())
    for projection in chosen:
        await _republish(targets, projection, run)
    deadline = asyncio.get_running_loop().time() + wait_seconds
    async with AsyncExitStack() as stack:
        databases: Mapping[str, Database] = {
            name: await stack.enter_async_context(_looking(targets, name))
            for name in {each for p in chosen for each in (p.reader, p.owner)}
        }
        told = await _told(databases, chosen, run)
        waiting = await _unhandled(databases[reader], reader, told, deadline)
        if waiting:
            say(
                f"{reader} has not handled {waiting} of {len(told)} events in time:"
                " does it run? are there dead letters? else again, with more --seconds"
            )
            return False
        return _tell(reader, await _agreed(databases, chosen, deadline))


def _tell(reader: str, result: CheckResult) -> bool:
    for line in result.violations[:SHOWN]:
        say(line)
    if result.violations:
        say(f"{len(result.violations)} of {result.checked} disagree")
    else:
        say(f"{reader} agrees with all {result.checked}")
    return not result.violations


async def _require_reader(targets: Targets, reader: str) -> None:
    """Refuse to tell what nobody would hear."""
    why = "its queue has no reader."
    try:
        if await _is_read(targets, reader):
            return
    except CannotOperate as fault:
        why = str(fault)
    raise CannotOperate(f"Nobody would hear it: {reader} must run to be rebuilt; {why}")


async def _is_read(targets: Targets, reader: str) -> bool:
    deadline = asyncio.get_running_loop().time() + READER_SECONDS
    async with broker(targets) as connection:
        while (await queue_state(connection, reader))[1] == 0:
            if asyncio.get_running_loop().time() >= deadline:
                return False
            await asyncio.sleep(POLL_SECONDS)
    return True


async def _republish(targets: Targets, projection: Projection, run: str) -> None:
    owner, objects = projection.owner, projection.objects
    [process] = [process for process in SERVICES if process.name == owner]

    def told(count: int) -> None:
        say(f"{owner}: {count} {objects} told")

    async with open_database(
        targets.owner(owner), schema=owner, pool_size=2
    ) as database:
        await republish(database, process.republishers[objects], told, run=run)


def _looking(targets: Targets, name: str) -> AbstractAsyncContextManager[Database]:
    return open_database(
        targets.auditor(name),
        schema=name,
        pool_size=2,
        statement_seconds=STATEMENT_SECONDS,
    )


async def _told(
    databases: Mapping[str, Database], chosen: Sequence[Projection], run: str
) -> list[UUID]:
    """Return what the reader is to hear of this run."""
    [reader] = {projection.reader for projection in chosen}
    types = [event.TYPE for event in SUBSCRIPTIONS[reader]]
    found: list[UUID] = []
    for owner in sorted({projection.owner for projection in chosen}):
        async with databases[owner].reading() as tx:
            rows = await tx.fetch(
                """
                SELECT event_id FROM outbox
                WHERE correlation_id = $1 AND type = ANY($2) ORDER BY seq
                """,
                run,
                types,
            )
        found += [row["event_id"] for row in rows]
    return found


async def _unhandled(
    database: Database, reader: str, told: Sequence[UUID], deadline: float
) -> int:
    """Wait until the reader has handled them; return how many it hasn't in time."""
    waiting = list(told)
    while waiting:
        first = waiting[:CHUNK]
        async with database.reading() as tx:
            rows = await tx.fetch(
                "SELECT event_id FROM inbox WHERE consumer = $1 AND event_id = ANY($2)",
                reader,
                first,
            )
        handled = {row["event_id"] for row in rows}
        waiting = [event_id for event_id in waiting if event_id not in handled]
        if len(handled) < len(first):
            if asyncio.get_running_loop().time() >= deadline:
                break
            await asyncio.sleep(POLL_SECONDS)
    return len(waiting)


async def _agreed(
    databases: Mapping[str, Database], chosen: Sequence[Projection], deadline: float
) -> CheckResult:
    """Compare until both agree, or the time is up."""
    while True:
        result = await compare(databases, chosen)
        if not result.violations or asyncio.get_running_loop().time() >= deadline:
            return result
        await asyncio.sleep(POLL_SECONDS)
