"""Billing with an empty database for each test."""

from collections.abc import AsyncGenerator, Iterator

import pytest

from services.billing.app import PROCESS
from tests.conftest import LendDatabase
from tests.integration.billing_orders.stage import Stage, staged
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
async def stage(database: ServiceDatabase) -> AsyncGenerator[Stage]:
    async with staged(database) as stage:
        yield stage
        assert {
            name: result.violations
            for name, result in (await stage.audit()).items()
            if result.violations
        } == {}
