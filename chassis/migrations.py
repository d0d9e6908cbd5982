"""The owner role's migrations: numbered SQL files, each applied once."""

import asyncio
import hashlib
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable

import asyncpg

from chassis.addresses import server_of
from chassis.restoring import find_mark

LOCK_SECONDS = 120
CONNECT_SECONDS = 10
#: What a statement meets where `migrate` never ran, or another release's ran last.
NOT_MIGRATED = (
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.UndefinedFunctionError,
    asyncpg.InvalidSchemaNameError,
)
_NAME = re.compile(r"(\d{4}_\w+)\.sql")
_NO_TRANSACTION = re.compile(r"\s*--\s*no-transaction")


class CannotMigrate(RuntimeError):
    """The schema stays as it is; the message says why, and what to do, in one line."""


class MigrationEdited(CannotMigrate):
    """A migration was changed after it had been applied."""


class MigrationsLocked(CannotMigrate):
    """Another migration run didn't end in time."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file; plumbing's names start with `chassis/`."""

    name: str
    sql: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()

    @property
    def transactional(self) -> bool:
        return _NO_TRANSACTION.match(self.sql) is None


def migrations_of(package: str) -> list[Migration]:
    """Return the plumbing's migrations, then the package's own."""
    own = resources.files(package) / "migrations"
    return [
        *_read(resources.files("chassis") / "sql", prefix="chassis/"),
        *(_read(own, prefix="") if own.is_dir() else ()),
    ]


async def migrate(
    url: str, *, schema: str, package: str, restoring: bool = False
) -> list[str]:
    """Apply what is missing, as the owner role; return the names of it.

    Several runs at once apply each migration once. Raises CannotMigrate when the server
    can't be reached or refuses something; what was applied by then stays. Half a
    restore is left to `restoring`, which is what the restore itself says.
    """
    async with owning(url, schema) as connection:
        if not restoring and (mark := await find_mark(connection, schema)):
            raise CannotMigrate(mark.advice)
        await _prepare(connection, schema)
        return await _apply_missing(connection, migrations_of(package))


@asynccontextmanager
async def owning(url: str, schema: str) -> AsyncGenerator[asyncpg.Connection]:
    """Connect as the schema's owner, and look into it; several take turns.

    Raises CannotMigrate when the server can't be reached, or another takes too long.
    """
    connection = await _connected(url)
    try:
        await connection.execute(f'SET search_path TO "{schema}", public')
        async with _locked(connection, schema):
            yield connection
    finally:
        await connection.close()


async def _connected(url: str) -> asyncpg.Connection:
    try:
        return await asyncpg.connect(url, timeout=CONNECT_SECONDS)
    except (asyncpg.PostgresError, OSError, TimeoutError, ValueError) as fault:
        raise CannotMigrate(
            f"the database at {server_of(url)} can't be reached as the schema's owner:"
            f" {fault or type(fault).__name__}; look at OWNER_DATABASE_URL"
        ) from fault


def _read(folder: Traversable, *, prefix: str) -> list[Migration]:
    names = sorted(entry.name for entry in folder.iterdir())
    return [
        Migration(f"{prefix}{match[1]}", (folder / name).read_text("utf-8"))
        for name in names
        if (match := _NAME.fullmatch(name))
    ]


@asynccontextmanager
async def _locked(connection: asyncpg.Connection, schema: str) -> AsyncGenerator[None]:
    digest = hashlib.sha256(f"migrate:{schema}".encode()).digest()
    key = int.from_bytes(digest[:8], "big", signed=True)
    # Polled: a blocked pg_advisory_lock() keeps a snapshot open, which deadlocks
    # with CREATE INDEX CONCURRENTLY.
    for _ in range(LOCK_SECONDS * 10):
        if await connection.fetchval("SELECT pg_try_advisory_lock($1)", key):
            break
        await asyncio.sleep(0.1)
    else:
        raise MigrationsLocked(
            f"{schema} stayed locked for {LOCK_SECONDS} s: another migration hangs, or"
            " runs long; try again when it has ended"
        )
    try:
        yield
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", key)


async def _prepare(connection: asyncpg.Connection, schema: str) -> None:
    exists = await connection.fetchval("SELECT to_regnamespace($1) IS NOT NULL", schema)
    if not exists:
        await connection.execute(f'CREATE SCHEMA "{schema}"')
    await connection.execute(
        f"""
        CREATE TABLE IF NOT EXISTS "{schema}".schema_migrations (
            name text PRIMARY KEY,
            sha256 text NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now()
        )
        """
    )


async def _applied(connection: asyncpg.Connection) -> dict[str, str]:
    rows = await connection.fetch("SELECT name, sha256 FROM schema_migrations")
    return {row["name"]: row["sha256"] for row in rows}


async def _apply_missing(
    connection: asyncpg.Connection, migrations: list[Migration]
) -> list[str]:
    applied = await _applied(connection)
    for migration in migrations:
        if applied.get(migration.name, migration.sha256) != migration.sha256:
            raise MigrationEdited(
                f"{migration.name} was edited after it was applied: put the file back"
                " as it was, and what is new into another migration"
            )
    missing = [m for m in migrations if m.name not in applied]
    for migration in missing:
        try:
            await _apply(connection, migration)
        except (asyncpg.PostgresError, OSError, asyncpg.InterfaceError) as fault:
            left = (
                "nothing of it stays" if migration.transactional else "look what stays"
            )
            raise CannotMigrate(f"{migration.name} failed, {left}: {fault}") from fault
    return [migration.name for migration in missing]


async def _apply(connection: asyncpg.Connection, migration: Migration) -> None:
    if not migration.transactional:
        await connection.execute(migration.sql)
        await _note(connection, migration)
        return
    async with connection.transaction():
        await connection.execute(migration.sql)
        await _note(connection, migration)


async def _note(connection: asyncpg.Connection, migration: Migration) -> None:
    await connection.execute(
        "INSERT INTO schema_migrations (name, sha256) VALUES ($1, $2)",
        migration.name,
        migration.sha256,
    )
