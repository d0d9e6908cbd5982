"""Health and metrics: three plain addresses on every process."""

import json
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Collection,
    Mapping,
    Sequence,
)
from contextlib import asynccontextmanager
from http import HTTPStatus

import asyncpg
import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from chassis import metrics
from chassis.db import Database
from chassis.errors import Unavailable
from chassis.http import serving
from chassis.http.observing import label
from chassis.migrations import migrations_of
from chassis.restoring import find_mark
from chassis.samples import Sampler
from chassis.settings import ProcessSettings
from chassis.tokens import TokenVerifier

log = structlog.get_logger("health")

#: Connections to the port of their own: scrapers and health checks are few.
OBSERVERS = 100


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
        #: Names what the process does without, for now, and is ready all the same.
        self.degraded: Callable[[], Awaitable[Sequence[str]]] | None = None
        #: Asks the database for what it knows, whenever metrics are.
        self.sampler: Sampler | None = None
        self.stopping = False
        self._told = False

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
                if await find_mark(tx, self._database.source):
                    return ["a restore that hasn't ended"]
                rows = await tx.fetch("SELECT name FROM schema_migrations")
        except Unavailable:
            return ["database"]
        except asyncpg.UndefinedTableError:
            return ["migrations"]
        applied = {row["name"] for row in rows}
        self._tell_of(applied - self._needed)
        unapplied = self._needed - applied
        return [f"migration {name}" for name in sorted(unapplied)]

    def _tell_of(self, newer: Collection[str]) -> None:
        """Say once that the schema is a release ahead, as it is during an upgrade.

        Migrations keep it fit for the release before.
        """
        if newer and not self._told:
            self._told = True
            log.warning("schema newer than this release", migrations=sorted(newer))

    async def _ready(self, request: web.Request) -> web.Response:
        del request
        missing = await self.missing()
        status = HTTPStatus.SERVICE_UNAVAILABLE if missing else HTTPStatus.OK
        state = {
            "status": "unready" if missing else "ready",
            "missing": missing,
            "degraded": list(await self.degraded()) if self.degraded else [],
        }
        return _json(state, status)

    async def _metrics(self, request: web.Request) -> web.Response:
        del request
        metrics.ready.set(not await self.missing())
        if self.sampler is not None:
            await self.sampler.sample()
        return web.Response(
            body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )


@asynccontextmanager
async def observed(
    health: Health, app: web.Application, settings: ProcessSettings
) -> AsyncGenerator[None]:
    """Serve health and metrics on the port that is theirs; without one, with `app`."""
    if settings.observe_port == 0:
        health.add_to(app)
        yield
        return
    own = web.Application()
    own.on_response_prepare.append(label)
    health.add_to(own)
    async with serving(
        own,
        host=settings.observe_host,
        port=settings.observe_port,
        connections=OBSERVERS,
        setting="OBSERVE_PORT",
    ):
        yield


async def _live(request: web.Request) -> web.Response:
    del request
    return _json({"status": "live"}, HTTPStatus.OK)


def _json(content: Mapping[str, object], status: int) -> web.Response:
    return web.Response(
        body=json.dumps(content).encode(),
        status=status,
        content_type="application/json",
    )
