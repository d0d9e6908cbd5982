"""A billing service with a database of its own for each test."""

from collections.abc import AsyncGenerator

import pytest

from services.billing.app import PROCESS
from tests.conftest import MakeDatabase
from tests.integration.billing_money.stage import SETTINGS, Stage, staged
from tests.support.running import running


@pytest.fixture
async def stage(make_database: MakeDatabase) -> AsyncGenerator[Stage]:
    database = await make_database(PROCESS)
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
