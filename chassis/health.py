"""Health and metrics: three plain addresses on every process."""

import json
from collections.abc import Mapping
from http import HTTPStatus

import asyncpg
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from chassis import metrics
from chassis.db import Database
from chassis.errors import Unavailable
from chassis.migrations import migrations_of
from chassis.tokens import TokenVerifier


class Health:
    """Tells whether this process can do its work; the broker may be away."""

    def __init__(self, database: Database | None, package: str) -> None:
        self._database = database
        self._needed = (
            {migration.name for migration in migrations_of(package)}
            if database
            else set[str]()
        )
        #: Set by a process that takes requests: without keys it could answer none.
        self.verifier: TokenVerifier | None = None
        self.stopping = False

    def add_to(self, app: web.Application) -> None:
        app.router.add_get("/health/live", _live)
        app.router.add_get("/health/ready", self._ready)
        app.router.add_get("/metrics", self._metrics)

    async def missing(self) -> list[str]:
        """Return what stands in the way of serving."""
        if self.stopping:
            return ["stopping"]
        missing = await self.missing_schema()
        if self.verifier is not None and not self.verifier.ready:
            missing.append("signing keys")
        return missing

    async def missing_schema(self) -> list[str]:
        """Return what stands in the way of working with the database."""
        if self._database is None:
            return []
        try:
            async with self._database.reading() as tx:
                rows = await tx.fetch("SELECT name FROM schema_migrations")
        except Unavailable:
            return ["database"]
        except asyncpg.UndefinedTableError:
            return ["migrations"]
        unapplied = self._needed - {row["name"] for row in rows}
        return [f"migration {name}" for name in sorted(unapplied)]

    async def _ready(self, request: web.Request) -> web.Response:
        del request
        missing = await self.missing()
        status = HTTPStatus.SERVICE_UNAVAILABLE if missing else HTTPStatus.OK
        state = {"status": "unready" if missing else "ready", "missing": missing}
        return _json(state, status)

    async def _metrics(self, request: web.Request) -> web.Response:
        del request
        if self._database is not None:
            await _sample(self._database)
        return web.Response(
            body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )


async def _live(request: web.Request) -> web.Response:
    del request
    return _json({"status": "live"}, HTTPStatus.OK)


async def _sample(database: Database) -> None:
    pools = (database.pool, database.readers)
    metrics.pool_size.set(sum(pool.get_size() for pool in pools))
    metrics.pool_idle.set(sum(pool.get_idle_size() for pool in pools))
    try:
        async with database.reading() as tx:
            row = await tx.fetchrow(
                """
                SELECT count(*) AS waiting,
                       coalesce(extract(epoch FROM now() - min(emitted_at)), 0) AS age
                FROM outbox WHERE published_at IS NULL
                """
            )
    except (Unavailable, asyncpg.PostgresError):
        return
    if row is not None:
        metrics.outbox_waiting.set(row["waiting"])
        metrics.outbox_age.set(float(row["age"]))


def _json(content: Mapping[str, object], status: int) -> web.Response:
    return web.Response(
        body=json.dumps(content).encode(),
        status=status,
        content_type="application/json",
    )
