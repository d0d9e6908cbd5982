"""A notifier with an empty database and a mail server of its own for each test."""

from collections.abc import AsyncIterator

import pytest

from services.notifier.app import PROCESS
from tests.integration.notifier.stage import Stage, staged
from tests.support.databases import ServiceDatabase
from tests.support.lending import lent_database

database = lent_database(PROCESS)


@pytest.fixture
async def stage(database: ServiceDatabase) -> AsyncIterator[Stage]:
    async with staged(database) as stage:
        yield stage
        assert await stage.faults() == []
