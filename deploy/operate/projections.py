"""Rebuilds a service's copies of another's objects from what the owner has now."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack

from chassis.checks import STATEMENT_SECONDS, CheckResult
from chassis.db import Database, open_database
from chassis.republish import republish
from deploy.crosschecks import PROJECTIONS, Projection, compare
from deploy.operate.console import say
from deploy.operate.faults import CannotOperate
from deploy.operate.targets import Targets
from deploy.processes import SERVICES

POLL_SECONDS = 0.5
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
        raise CannotOperate(f"{reader} keeps copies of {known or 'nothing'}.")
    for projection in chosen:
        await _republish(targets, projection)
    result = await _agreed(targets, chosen, wait_seconds)
    for line in result.violations[:SHOWN]:
        say(line)
    if result.violations:
        say(f"{len(result.violations)} of {result.checked} disagree")
    else:
        say(f"{reader} agrees with all {result.checked}")
    return not result.violations


async def _republish(targets: Targets, projection: Projection) -> None:
    owner, objects = projection.owner, projection.objects
    [process] = [process for process in SERVICES if process.name == owner]

    def told(count: int) -> None:
        say(f"{owner}: {count} {objects} told")

    async with open_database(
        targets.owner(owner), schema=owner, pool_size=2
    ) as database:
        await republish(database, process.republishers[objects], told)


async def _agreed(
    targets: Targets, chosen: Sequence[Projection], wait_seconds: float
) -> CheckResult:
    """Compare until both agree, or the time is up."""
    deadline = asyncio.get_running_loop().time() + wait_seconds
    async with AsyncExitStack() as stack:
        databases: Mapping[str, Database] = {
            name: await stack.enter_async_context(
                open_database(
                    targets.auditor(name),
                    schema=name,
                    pool_size=2,
                    statement_seconds=STATEMENT_SECONDS,
                )
            )
            for name in {each for p in chosen for each in (p.reader, p.owner)}
        }
        while True:
            result = await compare(databases, chosen)
            late = asyncio.get_running_loop().time() >= deadline
            if late or not result.violations:
                return result
            await asyncio.sleep(POLL_SECONDS)
