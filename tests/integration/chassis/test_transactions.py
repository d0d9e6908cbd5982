"""Transactions and the pool: limits in time, and what the server's troubles become."""

from datetime import UTC, date, datetime
from uuid import UUID

import asyncpg
import pytest
from prometheus_client import REGISTRY

from chassis.db import (
    Database,
    DatabaseAway,
    DatabaseBusy,
    open_database,
    pools,
    violations_as,
)
from chassis.errors import Conflict
from chassis.ids import uuid7
from tests.integration.chassis.stage import Stage, a_change


@pytest.fixture(autouse=True)
def patient() -> None:
    """Leave the limits as they are: they are what is tested."""


class Taken(Conflict):
    """The thing is taken."""


async def insert_thing(database: Database, thing_id: UUID) -> None:
    async with database.transaction() as tx:
        with violations_as(things_pkey=Taken()):
            await tx.execute(
                "INSERT INTO things (thing_id, version, name) VALUES ($1, 1, 'x')",
                thing_id,
            )


async def test_a_violated_constraint_is_the_error_that_its_name_stands_for(
    stage: Stage,
) -> None:
    thing_id = uuid7()
    await insert_thing(stage.db, thing_id)
    with pytest.raises(Taken):
        await insert_thing(stage.db, thing_id)


async def test_waiting_for_a_lock_ends_in_time(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(pools.SERVER_TIMEOUTS, "lock_timeout", "100ms")
    thing_id = uuid7()
    await insert_thing(stage.db, thing_id)
    async with (
        stage.db.transaction() as tx,
        open_database(stage.database.url, schema="probe") as elsewhere,
    ):
        await tx.execute("UPDATE things SET name = 'y' WHERE thing_id = $1", thing_id)
        with pytest.raises(DatabaseBusy):
            async with elsewhere.transaction() as other:
                await other.execute(
                    "UPDATE things SET name = 'z' WHERE thing_id = $1", thing_id
                )


async def test_a_statement_ends_in_time(stage: Stage) -> None:
    url = stage.database.url
    async with open_database(url, schema="probe", statement_seconds=1) as hurried:
        with pytest.raises(DatabaseBusy):
            async with hurried.transaction() as tx:
                await tx.fetchval("SELECT pg_sleep(60)")


async def test_waiting_for_a_connection_ends_in_time(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = stage.database.url
    async with (
        open_database(url, schema="probe", pool_size=1) as narrow,
        narrow.transaction(),
    ):
        monkeypatch.setattr(pools, "ACQUIRE_SECONDS", 0.1)
        with pytest.raises(DatabaseAway):
            async with narrow.transaction():
                pass


async def test_readers_do_not_wait_for_writers(stage: Stage) -> None:
    async with (
        open_database(stage.database.url, schema="probe", pool_size=1) as narrow,
        narrow.transaction(),
        narrow.reading() as tx,
    ):
        assert await tx.fetchval("SELECT 1") == 1


async def test_a_lost_connection_is_replaced(stage: Stage) -> None:
    async def lose() -> None:
        async with stage.db.transaction() as tx:
            await terminate(stage, await tx.fetchval("SELECT pg_backend_pid()"))
            await tx.execute("DELETE FROM things")

    with pytest.raises(DatabaseAway):
        await lose()
    await insert_thing(stage.db, uuid7())


async def test_a_server_that_is_away_is_said_so() -> None:
    nowhere = "postgres://nobody:x@127.0.0.1:9/nothing"
    async with open_database(nowhere, schema="probe") as lost:
        with pytest.raises(DatabaseAway):
            async with lost.reading():
                pass


async def test_reading_cannot_write(stage: Stage) -> None:
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        async with stage.db.reading() as tx:
            await tx.execute("DELETE FROM things")


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE more (id int)",
        "ALTER TABLE things ADD COLUMN more int",
        "DROP TABLE things",
        "UPDATE audit_log SET actor = 'me'",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
    ],
)
async def test_the_runtime_role_changes_neither_structure_nor_history(
    stage: Stage, statement: str
) -> None:
    connection = await asyncpg.connect(stage.database.url)
    try:
        await connection.execute("SET search_path TO probe")
        with pytest.raises(
            (asyncpg.InsufficientPrivilegeError, asyncpg.RestrictViolationError)
        ):
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_values_come_back_as_they_went(stage: Stage) -> None:
    values = (
        uuid7(),
        datetime(2026, 12, 1, 9, 30, tzinfo=UTC),
        date(2024, 2, 29),
        2**62,
        {"list": [1, "two", None, {"deep": True}], "text": "ação"},
    )
    async with stage.db.reading() as tx:
        row = await tx.fetchrow(
            "SELECT $1::uuid, $2::timestamptz, $3::date, $4::bigint, $5::jsonb", *values
        )
    assert row is not None
    assert tuple(row) == values


async def test_many_rows_go_in_by_copy_with_the_rest_or_not_at_all(
    stage: Stage,
) -> None:
    rows = [(uuid7(), 1, f"thing {n}") for n in range(500)]
    async with stage.db.transaction() as tx:
        await tx.copy("things", ("thing_id", "version", "name"), rows)
        await tx.emit_many([a_change(row[0]) for row in rows])
    counts = await stage.fetch(
        "SELECT (SELECT count(*) FROM things) = 500, count(*) = 500 FROM outbox"
    )
    assert tuple(counts[0]) == (True, True)


async def test_consumers_outlive_the_database_and_blame_no_event(
    stage: Stage,
) -> None:
    changes = [a_change() for _ in range(400)]
    failed = failures()
    async with stage.running("relay", "consumers"):
        for start in range(0, len(changes), 50):
            await stage.emit(*changes[start : start + 50])
            await terminate_others(stage)
        await stage.quiet()
    assert sorted(await stage.effects()) == sorted((c.thing_id, 1) for c in changes)
    assert failures() == failed


def failures() -> float:
    """Return how many deliveries went to a retry queue so far."""
    labels = {"consumer": "probe", "type": "probe.thing.changed.v1"}
    return REGISTRY.get_sample_value("events_failed_total", labels) or 0.0


async def terminate(stage: Stage, pid: int) -> None:
    admin = await asyncpg.connect(stage.database.admin_url)
    await admin.fetchval("SELECT pg_terminate_backend($1, 60000)", pid)
    await admin.close()


async def terminate_others(stage: Stage) -> None:
    """Cut every connection to the test's database, our own reader's too."""
    admin = await asyncpg.connect(stage.database.admin_url)
    await admin.fetch(
        """
        SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()
        """
    )
    await admin.close()


async def test_who_looks_at_everything_may_take_longer(stage: Stage) -> None:
    url, schema = stage.database.url, "probe"
    for seconds, told in ((5, "5s"), (600, "10min")):
        async with (
            open_database(url, schema=schema, statement_seconds=seconds) as opened,
            opened.reading() as tx,
        ):
            assert await tx.fetchval("SHOW statement_timeout") == told
