"""Servers that are there and short of room: the doctor and the commands name it."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from chassis import bus
from chassis.db import DatabaseAway, open_database
from deploy.local.ports import free_ports
from deploy.local.postgres import PrivatePostgres
from deploy.local.rabbitmq import PrivateRabbitMQ
from deploy.operate import doctor
from deploy.operate.faults import said_of
from deploy.operate.targets import SERVICES, Targets
from tests.integration.chassis.nodes import control
from tests.integration.local.disks import fill, mounted

AWAY = Targets(
    owners={},
    auditors=dict.fromkeys(SERVICES, "postgres://nobody:x@127.0.0.1:1/none"),
    amqp_url="amqp://nobody:x@127.0.0.1:1/",
    admin_url="",
    processes={},
    blobs=None,
    backups=None,
)

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def small_disk() -> Iterator[Path]:
    with mounted() as place:
        yield place


@pytest.fixture
async def postgres(small_disk: Path) -> AsyncIterator[PrivatePostgres]:
    server = PrivatePostgres(small_disk / "server", free_ports(1)[0])
    await server.start()
    yield server
    await server.stop()


async def about(part: str, targets: Targets) -> doctor.Finding:
    """Return the one finding about this part."""
    [found] = [each async for each in doctor.examine(targets) if each.part == part]
    return found


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
async def test_a_full_disk_of_postgres_is_named_as_long_as_it_is_full(
    postgres: PrivatePostgres, small_disk: Path
) -> None:
    targets = replace(AWAY, auditors=dict.fromkeys(SERVICES, postgres.url))
    assert not (await about("postgres", targets)).wrong
    fill(small_disk / "ballast")
    full = await about("postgres", targets)
    assert "No space left on device" in full.seen
    assert full.wrong == doctor.POSTGRES_FULL
    (small_disk / "ballast").unlink()
    assert not (await about("postgres", targets)).wrong


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
async def test_a_command_that_meets_a_full_disk_says_so_and_not_that_nobody_is_there(
    postgres: PrivatePostgres, small_disk: Path
) -> None:
    connection = await asyncpg.connect(postgres.url)
    await connection.execute("CREATE TABLE kept (content text)")
    await connection.close()
    fill(small_disk / "ballast")
    async with open_database(postgres.url, schema="public") as database:
        with pytest.raises(DatabaseAway) as refused:
            async with database.transaction() as tx:
                await tx.execute(
                    "INSERT INTO kept SELECT repeat('x', 1000)"
                    " FROM generate_series(1, 20000)"
                )
    assert str(refused.value) == "the database's disk is full"
    assert "No space left on device" in said_of(refused.value)
    connection = await asyncpg.connect(postgres.url)
    with pytest.raises(asyncpg.DiskFullError) as full:
        await connection.execute(
            "INSERT INTO kept SELECT repeat('x', 1000) FROM generate_series(1, 20000)"
        )
    assert said_of(full.value).startswith("The database's disk is full, make room: ")
    await connection.close()
    (small_disk / "ballast").unlink()


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateRabbitMQ]:
    """A broker that may be alarmed."""
    node = PrivateRabbitMQ(tmp_path_factory.mktemp("broker"), management=False)
    asyncio.run(node.start())
    yield node
    asyncio.run(node.stop())
    node.home.remove()


async def test_an_alarm_of_the_broker_is_named_as_long_as_it_is_on(
    node: PrivateRabbitMQ, monkeypatch: pytest.MonkeyPatch
) -> None:
    targets = replace(AWAY, amqp_url=node.url)
    monkeypatch.setattr(bus, "CLOSE_SECONDS", 0.1)
    monkeypatch.setattr(doctor, "CONFIRM_SECONDS", 2.0)
    assert "takes messages" in [each async for each in seen(targets)]
    await control(node, "set_vm_memory_high_watermark", "0")
    found = [each async for each in doctor.examine(targets) if each.part == "broker"]
    assert [each.wrong for each in found if each.seen == "takes no messages"] == [
        doctor.ALARM
    ]
    await control(node, "set_vm_memory_high_watermark", "absolute", "512MB")
    assert "takes messages" in [each async for each in seen(targets)]


async def seen(targets: Targets) -> AsyncIterator[str]:
    async for each in doctor.examine(targets):
        yield each.seen
