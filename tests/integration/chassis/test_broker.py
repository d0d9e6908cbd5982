"""A broker that is away, killed or alarmed: the work goes on, and nothing is lost."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from chassis import bus
from deploy.local.rabbitmq import PrivateRabbitMQ
from tests.integration.chassis.nodes import control
from tests.integration.chassis.probe.app import PROCESS, ThingChanged
from tests.integration.chassis.queues import purge
from tests.integration.chassis.stage import Stage, a_change, until
from tests.support.databases import ServiceDatabase
from tests.support.running import Running, declare_queues

PARTS = ("http", "relay", "consumers")
#: The goal is 15 s after the broker's return; the machine may be busy with others.
RECOVERY_SECONDS = 60

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivateRabbitMQ]:
    """A broker that may be stopped and killed."""
    broker = PrivateRabbitMQ(tmp_path_factory.mktemp("broker"), management=False)
    asyncio.run(broker.start())
    yield broker
    asyncio.run(broker.stop())
    broker.home.remove()


@pytest.fixture
async def stage(
    database: ServiceDatabase, broker: PrivateRabbitMQ
) -> AsyncIterator[Stage]:
    if not broker.alive:
        await broker.start()
    await declare_queues(broker.url, PROCESS)
    await purge(broker.url, "probe")  # doubles that an earlier test left unread
    async with Stage.open(database, broker.url) as stage:
        yield stage


async def test_without_a_broker_requests_are_served_and_events_wait(
    stage: Stage, broker: PrivateRabbitMQ
) -> None:
    await broker.stop()
    changes = [a_change() for _ in range(50)]
    async with stage.running(*PARTS) as probe:
        await stage.emit(*changes)
        assert (await probe.client.get("/health/ready")).status == 200
        assert not await stage.all_published()
        await broker.start()
        await arrived(stage, changes)


async def test_a_broker_killed_under_load_loses_and_doubles_nothing(
    stage: Stage, broker: PrivateRabbitMQ
) -> None:
    changes = [a_change() for _ in range(1500)]
    async with stage.running(*PARTS):
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(emit_slowly(stage, changes))
            await until(lambda: has_effects(stage))
            await broker.kill()
            await broker.start()
        await arrived(stage, changes)


async def test_an_alarmed_broker_stops_events_and_nothing_else(
    stage: Stage, broker: PrivateRabbitMQ, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus, "CONFIRM_SECONDS", 1.0)
    changes = [a_change() for _ in range(50)]
    async with stage.running(*PARTS) as probe:
        await control(broker, "set_vm_memory_high_watermark", "0")
        try:
            await stage.emit(*changes)
            await asyncio.sleep(2)  # longer than a publish may take
            assert not await stage.all_published()
            assert (await probe.client.get("/health/ready")).status == 200
            assert await waiting_rows(probe) == len(changes)
        finally:
            await control(broker, "set_vm_memory_high_watermark", "absolute", "512MB")
        await arrived(stage, changes)


async def test_connections_that_are_cut_are_made_anew(
    stage: Stage, broker: PrivateRabbitMQ
) -> None:
    changes = [a_change() for _ in range(300)]
    async with stage.running(*PARTS):
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(emit_slowly(stage, changes))
            await until(lambda: has_effects(stage))
            await control(broker, "close_all_connections", "cut by a test")
        await arrived(stage, changes)


async def emit_slowly(stage: Stage, changes: list[ThingChanged]) -> None:
    for start in range(0, len(changes), 10):
        await stage.emit(*changes[start : start + 10])
        await asyncio.sleep(0.01)


async def arrived(stage: Stage, changes: list[ThingChanged]) -> None:
    await stage.quiet(within=RECOVERY_SECONDS)
    assert sorted(await stage.effects()) == sorted((c.thing_id, 1) for c in changes)


async def has_effects(stage: Stage) -> bool:
    return bool(await stage.effects())


async def waiting_rows(probe: Running) -> float:
    text = await (await probe.client.get("/metrics")).text()
    [line] = [x for x in text.splitlines() if x.startswith("outbox_waiting_rows ")]
    return float(line.split()[1])
