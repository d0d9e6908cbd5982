"""A notifier with an empty database and a mail server of its own for each test."""

from collections.abc import AsyncIterator, Iterator

import pytest

from services.notifier.app import PROCESS
from tests.conftest import LendDatabase
from tests.integration.notifier.stage import Stage, staged
from tests.support.databases import ServiceDatabase
from tests.support.patience import be_patient


@pytest.fixture
def database(lend_database: LendDatabase) -> Iterator[ServiceDatabase]:
    with lend_database(PROCESS) as database:
        yield database


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    be_patient(monkeypatch)


@pytest.fixture
async def stage(database: ServiceDatabase) -> AsyncIterator[Stage]:
    async with staged(database) as stage:
        yield stage
        assert await stage.faults() == []
