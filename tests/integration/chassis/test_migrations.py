"""Migrations: each once, whoever runs them; and none that was edited."""

import asyncio

import asyncpg
import pytest

from chassis import migrations
from chassis.migrations import (
    CannotMigrate,
    Migration,
    MigrationEdited,
    migrate,
    migrations_of,
)
from tests.conftest import MakeDatabase
from tests.integration.chassis.probe.app import PROCESS

TABLE = Migration("0001_table", "CREATE TABLE apples (id bigint);")
SLOW = Migration("0002_slow", "SELECT pg_sleep(0.3); INSERT INTO apples VALUES (1);")
INDEX = Migration(
    "0003_index",
    "-- no-transaction\nCREATE INDEX CONCURRENTLY apples_idx ON apples (id);",
)
BROKEN = Migration("0004_broken", "INSERT INTO apples VALUES (2); SELECT 1 / 0;")


class Orchard:
    """A schema to migrate, and the migrations that it is told to have."""

    def __init__(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.url = url
        self._monkeypatch = monkeypatch

    async def migrate(self, *found: Migration) -> list[str]:
        def listed(_package: str) -> list[Migration]:
            return list(found)

        self._monkeypatch.setattr(migrations, "migrations_of", listed)
        return await migrate(self.url, schema="orchard", package="orchard")

    async def fetchval(self, sql: str) -> object:
        connection = await asyncpg.connect(self.url)
        try:
            await connection.execute("SET search_path TO orchard")
            return await connection.fetchval(sql)
        finally:
            await connection.close()


@pytest.fixture
async def orchard(
    make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> Orchard:
    return Orchard((await make_database(PROCESS)).admin_url, monkeypatch)


async def test_plumbing_comes_first_then_the_services_own() -> None:
    names = [migration.name for migration in migrations_of(PROCESS.package)]
    *plumbing, own = names
    assert plumbing[0] == "chassis/0001_plumbing"
    assert all(name.startswith("chassis/") for name in plumbing)
    assert own == "0001_init"


async def test_six_runs_at_once_apply_each_migration_once(orchard: Orchard) -> None:
    applied = await asyncio.gather(
        *(orchard.migrate(TABLE, SLOW, INDEX) for _ in range(6))
    )
    assert sum(map(len, applied)) == 3
    assert await orchard.fetchval("SELECT count(*) FROM apples") == 1
    assert await orchard.fetchval("SELECT to_regclass('apples_idx') IS NOT NULL")
    assert await orchard.migrate(TABLE, SLOW, INDEX) == []


async def test_an_applied_migration_that_was_edited_stops_everything(
    orchard: Orchard,
) -> None:
    await orchard.migrate(TABLE)
    edited = Migration(TABLE.name, TABLE.sql + " -- harmless")
    with pytest.raises(MigrationEdited, match="0001_table"):
        await orchard.migrate(edited, SLOW)
    assert await orchard.fetchval("SELECT count(*) FROM apples") == 0


async def test_a_migration_that_fails_leaves_nothing_and_can_be_mended(
    orchard: Orchard,
) -> None:
    with pytest.raises(CannotMigrate, match="0004_broken failed, nothing of it stays"):
        await orchard.migrate(TABLE, BROKEN)
    assert await orchard.fetchval("SELECT count(*) FROM apples") == 0
    mended = Migration(BROKEN.name, "INSERT INTO apples VALUES (2);")
    assert await orchard.migrate(TABLE, mended) == [BROKEN.name]
