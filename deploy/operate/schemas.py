"""A service's schema as a whole: whether it holds anything, emptied, set aside."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import LiteralString

import asyncpg

from chassis.restoring import Mark
from deploy.operate import marks
from deploy.operate.snapshots import count_rows, formatted
from deploy.postgres.bootstrap import AUDITOR, let_in, make_schema

#: What migrations and idle processes write; a service that has no more was never used.
IDLE_TABLES = frozenset(
    (
        "schema_migrations",
        "readings",
        "business_clock",
        "job_runs",
        "watermarks",
        "check_results",
    )
)

#: Each selects the statements that remove one kind of thing from a schema; some of
#: those are gone by then with what they leaned on.
_REMOVALS: tuple[LiteralString, ...] = (
    """
    SELECT format('DROP %s IF EXISTS %I.%I CASCADE',
                  CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
                                 WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
                  n.nspname, c.relname)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.objid = c.oid AND d.deptype IN ('i', 'a')
                        AND d.refclassid = 'pg_class'::regclass)
    """,
    """
    SELECT format('DROP ROUTINE IF EXISTS %s CASCADE', p.oid::regprocedure)
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = $1
    """,
    """
    SELECT format('DROP TYPE IF EXISTS %s CASCADE', t.oid::regtype)
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
    WHERE n.nspname = $1 AND t.typtype IN ('e', 'd')
    """,
)


class Content(StrEnum):
    """How much a schema holds."""

    ABSENT = "absent"
    EMPTY = "empty"
    #: Migrated, and perhaps served, but nobody has done anything yet.
    UNUSED = "unused"
    USED = "used"


async def content_of(connection: asyncpg.Connection, schema: str) -> Content:
    if not await exists(connection, schema):
        return Content.ABSENT
    rows = await count_rows(connection, schema)
    if not rows:
        return Content.EMPTY
    used = any(rows[table] for table in rows.keys() - IDLE_TABLES)
    return Content.USED if used else Content.UNUSED


async def exists(connection: asyncpg.Connection, schema: str) -> bool:
    return await connection.fetchval("SELECT to_regnamespace($1) IS NOT NULL", schema)


async def is_served(connection: asyncpg.Connection, service: str) -> bool:
    """Tell whether any process of the service is connected to this database."""
    return await connection.fetchval(
        """
        SELECT EXISTS (SELECT FROM pg_stat_activity
                       WHERE datname = current_database() AND usename = $1)
        """,
        service,
    )


async def clear(connection: asyncpg.Connection, schema: str) -> None:
    """As its owner, remove all that is in the schema; the schema itself stays."""
    async with connection.transaction():
        for removals in _REMOVALS:
            for statement in await _selected(connection, removals, schema):
                await connection.execute(statement)


async def forget_grants(connection: asyncpg.Connection, service: str) -> None:
    """Let new tables be nobody's but the owner's, as a dump expects them to be.

    A dump says what rights its tables have beyond Postgres' own defaults; with ours in
    place, a right that a migration took away would come back.
    """
    for role in (service, AUDITOR):
        for kind in ("TABLES", "SEQUENCES"):
            await _execute(
                connection,
                f"ALTER DEFAULT PRIVILEGES IN SCHEMA %I REVOKE ALL ON {kind} FROM %I",
                service,
                role,
            )


async def restore_grants(connection: asyncpg.Connection, service: str) -> None:
    """Let new tables be usable by their service and readable by the auditor again."""
    await let_in(connection, service)


async def set_aside(admin: asyncpg.Connection, service: str, mark: Mark) -> str:
    """As superuser, rename the schema and make an empty one; return its new name.

    Both say from then on what they are: the one kept, and the other half a restore.
    """
    kept = f"{service}_until_{datetime.now(UTC):%Y%m%dt%H%M%S}"
    database: str = await admin.fetchval("SELECT current_database()")
    async with admin.transaction():
        await _execute(admin, "ALTER SCHEMA %I RENAME TO %I", service, kept)
        await marks.explain(admin, kept, mark)
        await make_schema(admin, database, service)
        await marks.put(admin, service, replace(mark, before=kept))
    return kept


async def put_back(admin: asyncpg.Connection, service: str, kept: str) -> None:
    """Undo `set_aside`; the schema in its place must have been cleared."""
    async with admin.transaction():
        await _execute(admin, "DROP SCHEMA %I", service)
        await _execute(admin, "ALTER SCHEMA %I RENAME TO %I", kept, service)
        await marks.remove(admin, service)


async def _selected(
    connection: asyncpg.Connection, sql: LiteralString, schema: str
) -> Sequence[str]:
    # Unqualified names would hide the schema that an object is in.
    await connection.execute("SET LOCAL search_path TO pg_catalog")
    return [row[0] for row in await connection.fetch(sql, schema)]


async def _execute(connection: asyncpg.Connection, template: str, *names: str) -> None:
    await connection.execute(await formatted(connection, template, *names))
