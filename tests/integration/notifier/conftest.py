"""A notifier with a database and a mail server of its own for each test."""

from collections.abc import AsyncIterator

import pytest

from services.notifier.app import PROCESS
from tests.conftest import MakeDatabase
from tests.integration.notifier.stage import Stage, staged


@pytest.fixture
async def stage(make_database: MakeDatabase) -> AsyncIterator[Stage]:
    async with staged(await make_database(PROCESS)) as stage:
        yield stage
        assert await stage.faults() == []
