"""What the tests of the plumbing do and look at."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sized
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

import pytest

from chassis.db import Database, Record, open_database
from chassis.ids import uuid7
from chassis.watermarks import Readers
from tests.integration.chassis.probe.app import PROCESS, Fault, ThingChanged
from tests.support.databases import ServiceDatabase
from tests.support.polling import QUIET_SECONDS, until
from tests.support.running import Running, running

T = TypeVar("T")
P = ParamSpec("P")

PROBE = (sys.executable, "-m", "tests.integration.chassis.probe")
REPOSITORY = Path(__file__).parents[3]


def count_looks(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """Return a list that grows whenever a relay looks who reads."""
    looks: list[None] = []
    monkeypatch.setattr(Readers, "look", _counted(Readers.look, looks))
    return looks


def _counted(
    function: Callable[P, Awaitable[T]], calls: list[None]
) -> Callable[P, Awaitable[T]]:
    async def call(*arguments: P.args, **options: P.kwargs) -> T:
        answer = await function(*arguments, **options)
        calls.append(None)
        return answer

    return call


async def are_more_than(things: Sized, count: int) -> bool:
    return len(things) > count


def a_change(
    thing_id: UUID | None = None, *, version: int = 1, fault: Fault = ""
) -> ThingChanged:
    return ThingChanged(
        thing_id=thing_id or uuid7(), version=version, name=f"v{version}", fault=fault
    )


@dataclass(frozen=True)
class Stage:
    """A probe's database and queues, and what can be seen in them."""

    database: ServiceDatabase
    amqp_url: str
    db: Database

    @classmethod
    @asynccontextmanager
    async def open(
        cls, database: ServiceDatabase, amqp_url: str
    ) -> "AsyncGenerator[Stage]":
        async with open_database(database.url, schema="probe") as db:
            yield cls(database, amqp_url, db)

    def running(
        self, *parts: str, **settings: Any
    ) -> AbstractAsyncContextManager[Running]:
        """Run the probe in this process, with these parts."""
        return running(
            PROCESS,
            **{
                "database_url": self.database.url,
                "amqp_url": self.amqp_url,
                "parts": frozenset(parts),
                **settings,
            },
        )

    @asynccontextmanager
    async def process(
        self, *parts: str, **environment: str
    ) -> AsyncGenerator["asyncio.subprocess.Process"]:
        """Run the probe as a process of its own; it is killed at the end."""
        environment = {"PARTS": ",".join(parts), **environment}
        child = await asyncio.create_subprocess_exec(
            *PROBE,
            "serve",
            cwd=REPOSITORY,
            env=self._environment(environment),
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            yield child
        finally:
            if child.returncode is None:
                child.kill()
            await child.wait()

    async def command(self, *arguments: str) -> list[Any]:
        """Run a command of the probe; return what it tells, line by line."""
        child = await asyncio.create_subprocess_exec(
            *PROBE,
            *arguments,
            cwd=REPOSITORY,
            env=self._environment({}),
            stdout=asyncio.subprocess.PIPE,
        )
        told, _ = await child.communicate()
        assert child.returncode == 0, told
        return [json.loads(line) for line in told.splitlines()]

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        return {
            **os.environ,
            "DATABASE_URL": self.database.url,
            "OWNER_DATABASE_URL": self.database.owner_url,
            "AMQP_URL": self.amqp_url,
            "HTTP_PORT": "0",
            "JWKS_URL": "http://127.0.0.1:9/jwks",
            **more,
        }

    async def emit(self, *events: ThingChanged) -> None:
        async with self.db.transaction() as tx:
            await tx.emit_many(events)

    async def fetch(self, sql: Any, *args: object) -> list[Record]:
        async with self.db.reading() as tx:
            return await tx.fetch(sql, *args)

    async def effects(self) -> list[tuple[UUID, int]]:
        """Return (thing, version) of each effect, in the order they were written."""
        rows = await self.fetch("SELECT thing_id, version FROM effects ORDER BY number")
        return [(row["thing_id"], row["version"]) for row in rows]

    async def all_published(self) -> bool:
        rows = await self.fetch(
            "SELECT 1 FROM outbox WHERE published_at IS NULL LIMIT 1"
        )
        return not rows

    async def quiet(self, *, within: float = QUIET_SECONDS) -> None:
        """Wait until every event is published and handled."""

        async def nothing_open() -> bool:
            rows = await self.fetch(
                """
                SELECT 1 FROM outbox LEFT JOIN inbox USING (event_id)
                WHERE published_at IS NULL OR inbox.event_id IS NULL LIMIT 1
                """
            )
            return not rows

        await until(nothing_open, within=within)
