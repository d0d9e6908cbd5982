"""A billing service with an empty database for each test."""

from collections.abc import AsyncGenerator, Iterator

import pytest

from services.billing.app import PROCESS
from tests.conftest import LendDatabase
from tests.integration.billing_money.stage import SETTINGS, Stage, staged
from tests.support.databases import ServiceDatabase
from tests.support.patience import be_patient
from tests.support.running import running


@pytest.fixture
def database(lend_database: LendDatabase) -> Iterator[ServiceDatabase]:
    with lend_database(PROCESS) as database:
        yield database


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    be_patient(monkeypatch)


@pytest.fixture
async def stage(database: ServiceDatabase) -> AsyncGenerator[Stage]:
    async with (
        running(
            PROCESS,
            database_url=database.url,
            parts=frozenset({"http"}),
            pool_size=30,
            **SETTINGS,
        ) as billing,
        staged(billing, database) as stage,
    ):
        yield stage
