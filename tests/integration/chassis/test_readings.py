"""Since when what is read: noted once it is bound, kept while it is, and no longer."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeAlias

import asyncpg
import pytest

from chassis import migrations, readings, topology
from chassis.bus import Message, Publisher, connect
from chassis.events import Event
from chassis.ids import uuid7
from chassis.migrations import CannotMigrate, Migration, migrate, migrations_of
from chassis.outbox import row_of
from chassis.topology import EXCHANGE
from tests.conftest import MakeDatabase
from tests.integration.chassis.probe.app import PROCESS, ThingChanged, ThingUnread
from tests.integration.chassis.queues import delete_queue, depth, put
from tests.integration.chassis.stage import Stage
from tests.support.databases import ServiceDatabase
from tests.support.polling import until

#: Where an outbox row has it.
BODY = -2
CHANGED, UNREAD = ThingChanged.TYPE, ThingUnread.TYPE
#: What `migrate` does before it binds the queues, and after.
Write: TypeAlias = Callable[[ServiceDatabase, Sequence[type[Event]]], Awaitable[None]]
SUBSCRIPTIONS = {"probe": (ThingChanged, ThingUnread)}


@pytest.fixture
async def fresh(make_database: MakeDatabase) -> ServiceDatabase:
    return await make_database(PROCESS)


async def note(database: ServiceDatabase, events: Sequence[type[Event]]) -> None:
    await readings.note(
        database.owner_url, schema="probe", consumer="probe", events=events
    )


async def intend(database: ServiceDatabase, events: Sequence[type[Event]]) -> None:
    await readings.intend(
        database.owner_url, schema="probe", consumer="probe", events=events
    )


async def noted(database: ServiceDatabase) -> dict[str, datetime]:
    connection = await asyncpg.connect(database.auditor_url)
    try:
        rows = await connection.fetch("SELECT type, since FROM probe.readings")
    finally:
        await connection.close()
    return {row["type"]: row["since"] for row in rows}


async def execute(database: ServiceDatabase, sql: str) -> None:
    connection = await asyncpg.connect(database.owner_url)
    try:
        await connection.execute("SET search_path TO probe")
        await connection.execute(sql)
    finally:
        await connection.close()


async def test_what_is_read_keeps_its_instant_and_what_is_new_gets_a_later_one(
    fresh: ServiceDatabase,
) -> None:
    await note(fresh, [ThingChanged])
    before = await noted(fresh)
    await note(fresh, [ThingChanged, ThingUnread])
    after = await noted(fresh)
    assert after[CHANGED] == before[CHANGED]
    assert after[UNREAD] > after[CHANGED]


async def test_a_release_that_is_taken_back_reads_from_anew_when_it_comes_again(
    fresh: ServiceDatabase,
) -> None:
    await note(fresh, [ThingChanged, ThingUnread])
    first = await noted(fresh)
    await note(fresh, [ThingChanged])
    assert await noted(fresh) == {CHANGED: first[CHANGED]}
    await note(fresh, [ThingChanged, ThingUnread])
    again = await noted(fresh)
    assert again[CHANGED] == first[CHANGED]
    assert again[UNREAD] > first[UNREAD]


async def test_what_is_about_to_be_read_gets_its_instant_once_it_is(
    fresh: ServiceDatabase,
) -> None:
    await note(fresh, [ThingChanged])
    before = await noted(fresh)
    await intend(fresh, [ThingChanged, ThingUnread])
    assert await noted(fresh) == {CHANGED: before[CHANGED], UNREAD: None}
    await note(fresh, [ThingChanged, ThingUnread])
    after = await noted(fresh)
    assert after[CHANGED] == before[CHANGED]
    assert after[UNREAD] > after[CHANGED]


async def test_what_was_to_be_read_and_never_was_is_forgotten(
    fresh: ServiceDatabase,
) -> None:
    await intend(fresh, [ThingChanged, ThingUnread])
    await note(fresh, [ThingChanged])
    assert set(await noted(fresh)) == {CHANGED}


async def test_a_migrate_that_does_not_get_to_bind_has_noted_what_it_was_about_to(
    stage: Stage,
) -> None:
    without_broker = replace(stage, amqp_url="amqp://app:secret@127.0.0.1:1/")
    with pytest.raises(AssertionError, match="applied"):  # it ends with a fault
        await without_broker.command("migrate")
    assert await noted(stage.database) == {CHANGED: None}
    await stage.command("migrate")
    assert (await noted(stage.database))[CHANGED]


async def test_several_at_once_note_it_once(fresh: ServiceDatabase) -> None:
    await asyncio.gather(*(note(fresh, [ThingChanged, ThingUnread]) for _ in range(6)))
    at_first = await noted(fresh)
    assert set(at_first) == {CHANGED, UNREAD}
    await note(fresh, [ThingUnread, ThingChanged])
    assert await noted(fresh) == at_first


async def test_who_is_no_owner_notes_nothing(fresh: ServiceDatabase) -> None:
    for write in (readings.intend, readings.note):
        with pytest.raises(CannotMigrate, match="what probe reads can't be noted"):
            await write(
                fresh.auditor_url,
                schema="probe",
                consumer="probe",
                events=[ThingChanged],
            )
    assert await noted(fresh) == {}


async def test_an_installation_of_before_is_held_to_what_it_read_since_its_first_event(
    fresh: ServiceDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = migrations_of(PROCESS.package)

    def before(_package: str) -> list[Migration]:
        return [each for each in now if each.name < "chassis/0004"]

    await execute(fresh, "DROP TABLE readings")
    await execute(
        fresh,
        "DELETE FROM schema_migrations WHERE name >= 'chassis/0004'"
        " AND starts_with(name, 'chassis/')",
    )
    with monkeypatch.context() as older:
        older.setattr(migrations, "migrations_of", before)
        assert await migrated(fresh) == []
    came = "INSERT INTO inbox VALUES ('probe', gen_random_uuid(), '{}', '{}')"
    for type_, day in ((CHANGED, 10), (CHANGED, 9), ("x", 8)):
        await execute(fresh, came.format(type_, f"2026-03-{day:02} 12:00Z"))
    assert await migrated(fresh) == [
        "chassis/0004_readings",
        "chassis/0005_intended_readings",
    ]
    await note(fresh, [ThingChanged, ThingUnread])
    since = await noted(fresh)
    assert set(since) == {CHANGED, UNREAD}
    assert since[CHANGED] == datetime(2026, 3, 9, 12, tzinfo=UTC)
    assert since[UNREAD] > since[CHANGED]


async def migrated(database: ServiceDatabase) -> list[str]:
    return await migrate(database.owner_url, schema="probe", package=PROCESS.package)


async def test_what_is_noted_is_bound_and_no_relay_publishes_before_it_is_noted(
    bare_amqp_url: str,
) -> None:
    async def interrupt() -> None:
        raise CannotMigrate("the database went away")

    delivered: list[int] = []

    async def publish() -> None:
        publisher = await Publisher.open(connection)
        for type_ in (CHANGED, UNREAD):
            await publisher.publish(
                Message(
                    exchange=EXCHANGE,
                    routing_key=type_,
                    type=type_,
                    body=b"{}",
                    message_id=type_,
                )
            )
        delivered.append(await depth(bare_amqp_url, "probe"))

    async with connect(bare_amqp_url, "test") as connection:
        with pytest.raises(CannotMigrate):
            await topology.declare(connection, SUBSCRIPTIONS, bound=interrupt)
        assert not await topology.is_declared(connection, SUBSCRIPTIONS)
        await topology.declare(connection, SUBSCRIPTIONS, bound=publish)
        assert await topology.is_declared(connection, SUBSCRIPTIONS)
    assert delivered == [2]


async def test_a_broker_that_lost_its_queues_leaves_the_instants_as_they_were(
    stage: Stage,
) -> None:
    await stage.command("migrate")
    before = await noted(stage.database)
    assert set(before) == {CHANGED}
    await delete_queue(stage.amqp_url, "probe")
    await stage.command("migrate")
    assert await depth(stage.amqp_url, "probe") == 0
    assert await noted(stage.database) == before


async def test_the_process_itself_can_read_what_it_reads(
    stage: Stage,
) -> None:
    await stage.command("migrate")
    rows = await stage.fetch("SELECT consumer, type FROM readings")
    assert [tuple(row.values()) for row in rows] == [("probe", CHANGED)]


@pytest.mark.parametrize("write", [intend, note])
async def test_what_only_the_next_release_reads_waits_for_its_replicas(
    stage: Stage, write: Write
) -> None:
    await note(stage.database, [ThingChanged])
    await write(stage.database, [ThingChanged, ThingUnread])
    async with stage.running("consumers"):
        await put(stage.amqp_url, unread(), type_=UNREAD)

        async def waits() -> bool:
            return await depth(stage.amqp_url, "probe.retry.5s") == 1

        await until(waits)
    assert await stage.fetch("SELECT FROM inbox") == []


async def test_what_an_earlier_release_read_is_passed_over(stage: Stage) -> None:
    await note(stage.database, [ThingChanged])
    async with stage.running("consumers"):
        await put(stage.amqp_url, unread(), type_=UNREAD)

        async def came() -> bool:
            return len(await stage.fetch("SELECT FROM inbox")) == 1

        await until(came)
    assert await depth(stage.amqp_url, "probe.retry.5s") == 0


def unread() -> bytes:
    """Return an event as it comes, that the probe has no handler for."""
    event = ThingUnread(thing_id=uuid7(), version=1)
    return str(row_of(event, "probe")[BODY]).encode()
