"""Private servers for the tests of the local stack itself."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.ports import free_ports
from deploy.local.postgres import PrivatePostgres
from tests.integration.local.disks import mounted
from tests.integration.local.heard import Heard


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrivatePostgres]:
    folder: Path = tmp_path_factory.mktemp("postgres")
    server = PrivatePostgres(folder / "server", free_ports(1)[0], durable=False)
    asyncio.run(server.start())
    yield server
    asyncio.run(server.stop())
    server.home.remove()


@pytest.fixture
def small_disk() -> Iterator[Path]:
    with mounted() as place:
        yield place


@pytest.fixture
def console() -> Heard:
    return Heard()
