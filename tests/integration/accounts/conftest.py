"""An accounts service whose database is empty at the start of each test."""

from collections.abc import AsyncIterator

import pytest

from chassis.db import open_database
from services.accounts import providers
from services.accounts.api import passwords
from services.accounts.app import PROCESS
from tests.integration.accounts.stage import Stage, staged
from tests.support.databases import ServiceDatabase
from tests.support.lending import lent_database

database = lent_database(PROCESS)


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
