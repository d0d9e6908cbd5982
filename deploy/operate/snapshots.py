"""Consistent views of the databases: services in one database share a snapshot."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from deploy.operate.faults import CannotOperate, said_of
from deploy.operate.manifest import LedgerHead, SavedService
from deploy.operate.targets import Targets, place

CONNECT_SECONDS = 10
#: A snapshot lasts as long as the dumps that use it.
PATIENT = {
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "application_name": "operate",
}


@dataclass(frozen=True)
class Snapshot:
    """An open transaction that others can look through, by the snapshot's name."""

    connection: asyncpg.Connection
    id: str
    server_version: int
    taken_at: datetime

    async def look_at(self, service: str) -> SavedService:
        """Count what the service's schema has in this snapshot."""
        return SavedService(
            migrations=await _migrations(self.connection, service),
            rows=await count_rows(self.connection, service),
            server_version=self.server_version,
            snapshot=self.id,
            taken_at=self.taken_at,
            ledger=await ledger_head(self.connection) if service == "billing" else None,
        )


@asynccontextmanager
async def snapshots(
    targets: Targets, services: Sequence[str]
) -> AsyncGenerator[dict[str, Snapshot]]:
    """Yield each service's snapshot: the same one for all in the same database."""
    async with AsyncExitStack() as stack:
        taken: dict[str, Snapshot] = {}
        for service in services:
            url = targets.auditor(service)
            if place(url) not in taken:
                taken[place(url)] = await stack.enter_async_context(_snapshot(url))
        yield {service: taken[place(targets.auditor(service))] for service in services}


@asynccontextmanager
async def connected(url: str) -> AsyncGenerator[asyncpg.Connection]:
    """Connect for a chore that may take long; say which database can't be reached."""
    try:
        connection = await asyncpg.connect(
            url, timeout=CONNECT_SECONDS, server_settings=PATIENT
        )
    except asyncpg.DiskFullError as fault:
        raise CannotOperate(said_of(fault)) from None
    except (OSError, TimeoutError, asyncpg.PostgresError) as fault:
        reason = str(fault) or "it doesn't answer"
        raise CannotOperate(f"{place(url)} can't be reached: {reason}") from None
    try:
        yield connection
    finally:
        await connection.close()


async def tables_of(connection: asyncpg.Connection, schema: str) -> list[str]:
    rows = await connection.fetch(
        """
        SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') ORDER BY c.relname
        """,
        schema,
    )
    return [row["relname"] for row in rows]


async def count_rows(connection: asyncpg.Connection, schema: str) -> dict[str, int]:
    """Return how many rows each of the schema's tables has."""
    return {
        table: await connection.fetchval(
            await formatted(connection, "SELECT count(*) FROM %I.%I", schema, table)
        )
        for table in await tables_of(connection, schema)
    }


async def ledger_head(connection: asyncpg.Connection) -> LedgerHead | None:
    row = await connection.fetchrow(
        """
        SELECT position, encode(hash, 'hex') AS hash FROM billing.journal_seals
        ORDER BY position DESC LIMIT 1
        """
    )
    return LedgerHead(position=row["position"], hash=row["hash"]) if row else None


async def formatted(connection: asyncpg.Connection, template: str, *names: str) -> str:
    """Let Postgres itself quote the names in a statement that takes no arguments."""
    return await connection.fetchval(
        "SELECT format($1, VARIADIC $2::text[])", template, list(names)
    )


async def _migrations(connection: asyncpg.Connection, service: str) -> list[str]:
    known = await connection.fetchval(
        "SELECT to_regclass(format('%I.schema_migrations', $1::text)) IS NOT NULL",
        service,
    )
    if not known:
        raise CannotOperate(f"{service} has no schema to save: it was never migrated.")
    rows = await connection.fetch(
        await formatted(connection, "SELECT name FROM %I.schema_migrations", service)
    )
    return sorted(row["name"] for row in rows)


@asynccontextmanager
async def _snapshot(url: str) -> AsyncGenerator[Snapshot]:
    async with (
        connected(url) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        row = await connection.fetchrow(
            """
            SELECT pg_export_snapshot() AS id, now() AS taken_at,
                   current_setting('server_version_num')::int / 10000 AS version
            """
        )
        if row is None:
            raise CannotOperate(f"{place(url)} gave no snapshot.")
        yield Snapshot(connection, row["id"], row["version"], row["taken_at"])
