"""An accounts service whose database is empty at the start of each test."""

from collections.abc import AsyncIterator, Iterator

import pytest

from chassis.db import open_database
from services.accounts import providers
from services.accounts.api import passwords
from services.accounts.app import PROCESS
from tests.conftest import LendDatabase
from tests.integration.accounts.stage import Stage, staged
from tests.support.databases import ServiceDatabase
from tests.support.patience import be_patient


@pytest.fixture
def database(lend_database: LendDatabase) -> Iterator[ServiceDatabase]:
    with lend_database(PROCESS) as database:
        yield database


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
async def stage(database: ServiceDatabase) -> AsyncIterator[Stage]:
    async with (
        open_database(database.url, schema="accounts") as opened,
        staged(opened) as stage,
    ):
        yield stage
        await stage.assert_invariants()
