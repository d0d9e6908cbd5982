"""An accounts service whose database is empty at the start of each test."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import asyncpg
import pytest

from chassis.db import open_database
from services.accounts import providers
from services.accounts.api import passwords
from tests.integration.accounts.stage import Stage, staged
from tests.support.databases import ServiceDatabase, fresh_database
from tests.support.patience import be_patient
from tests.support.servers import Servers

#: Filled by migrations alone.
KEPT = ("schema_migrations", "business_clock")


@pytest.fixture(scope="session")
def service_database(servers: Servers) -> Iterator[ServiceDatabase]:
    """One database for all these tests: making one takes longer than most of them."""
    stack = AsyncExitStack()
    with asyncio.Runner() as runner:
        made = fresh_database(servers, "accounts", "services.accounts")
        yield runner.run(stack.enter_async_context(made))
        runner.run(stack.aclose())


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    be_patient(monkeypatch)


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make nobody wait for what is costly on purpose, but where that is tested."""
    monkeypatch.setattr(providers, "MEMORY_KIB", 64)
    monkeypatch.setattr(providers, "PASSES", 1)
    monkeypatch.setattr(passwords, "RESET_ANSWER_SECONDS", 0.0)


@pytest.fixture
async def stage(service_database: ServiceDatabase) -> AsyncIterator[Stage]:
    try:
        async with (
            open_database(service_database.url, schema="accounts") as database,
            staged(database) as stage,
        ):
            yield stage
            await stage.assert_invariants()
    finally:
        await _empty(service_database.admin_url)


async def _empty(url: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        # Without triggers: the append-only tables refuse it otherwise, as they should.
        await connection.execute("SET session_replication_role = replica")
        statements = await connection.fetchval(
            """
            SELECT string_agg(format('DELETE FROM accounts.%I', tablename), ';')
            FROM pg_tables
            WHERE schemaname = 'accounts' AND tablename <> ALL ($1::text[])
            """,
            KEPT,
        )
        await connection.execute(statements)
    finally:
        await connection.close()
