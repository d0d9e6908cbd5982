"""The probe, with a database and queues of the test's own."""

from collections.abc import AsyncIterator

import pytest

from chassis import watermarks
from chassis.events import REGISTRY
from tests.conftest import MakeQueues
from tests.integration.chassis.probe.app import PROCESS
from tests.integration.chassis.stage import Stage
from tests.support.databases import ServiceDatabase, fresh_vhost
from tests.support.lending import lent_database
from tests.support.servers import Servers

#: Known only while a test of the plumbing runs: the product's registry stays its own.
PROBE_EVENTS = {
    name: REGISTRY.pop(name) for name in list(REGISTRY) if name.startswith("probe.")
}

database = lent_database(PROCESS)


@pytest.fixture(autouse=True)
def probe_events(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, event in PROBE_EVENTS.items():
        monkeypatch.setitem(REGISTRY, name, event)


@pytest.fixture(autouse=True)
def frequent_watermarks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what is looked at now and then be looked at soon."""
    monkeypatch.setattr(watermarks, "EVERY_SECONDS", 0.1)


@pytest.fixture
async def stage(
    database: ServiceDatabase, make_queues: MakeQueues
) -> AsyncIterator[Stage]:
    amqp_url = await make_queues(PROCESS)
    async with Stage.open(database, amqp_url) as stage:
        yield stage


@pytest.fixture
async def bare_amqp_url(servers: Servers) -> AsyncIterator[str]:
    """A virtual host without any queue."""
    async with fresh_vhost(servers) as url:
        yield url
