"""Marks of restores that haven't ended: set before the first schema is touched."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from chassis.restoring import NOTHING, Mark, find_mark
from deploy.operate.faults import CannotOperate
from deploy.operate.snapshots import connected, formatted
from deploy.operate.targets import SERVICES, Targets


def mark_of(services: Sequence[str], folder: Path, *, into: str, aside: bool) -> Mark:
    """Return the mark of the restore that begins now."""
    chosen = [] if set(services) == set(SERVICES) else sorted(set(services))
    command = [
        *("operate", "restore", str(folder.absolute())),
        *("--into", into),
        *(("--set-aside",) if aside else ()),
        *(word for name in chosen for word in ("--service", name)),
    ]
    return Mark(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", NOTHING, shlex.join(command))


async def put(connection: asyncpg.Connection, schema: str, mark: Mark) -> None:
    """Mark the schema, as its owner."""
    await _comment(connection, schema, str(mark))


async def remove(connection: asyncpg.Connection, schema: str) -> None:
    await _comment(connection, schema, "")


async def explain(connection: asyncpg.Connection, kept: str, mark: Mark) -> None:
    """Say on a schema that was set aside what it is."""
    text = f"what was there before the restore of {mark.begun_at}"
    await _comment(connection, kept, text)


async def refuse_unfinished(targets: Targets, services: Iterable[str]) -> None:
    """Refuse what half a restore would make wrong."""
    found: dict[str, Mark] = {}
    for service in services:
        async with connected(targets.auditor(service)) as connection:
            if mark := await find_mark(connection, service):
                found[service] = mark
    refuse(found)


def refuse(found: Mapping[str, Mark]) -> None:
    """Say in one line which services the first of these is about, and what to do."""
    for first in found.values():
        names = [name for name, mark in found.items() if mark.advice == first.advice]
        raise CannotOperate(f"{', '.join(names)}: {first.advice}")


async def _comment(connection: asyncpg.Connection, schema: str, text: str) -> None:
    await connection.execute(
        await formatted(connection, "COMMENT ON SCHEMA %I IS %L", schema, text)
    )
