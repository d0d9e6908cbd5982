"""A billing service with an empty database for each test."""

from collections.abc import AsyncGenerator

import pytest

from services.billing.app import PROCESS
from tests.integration.billing_money.stage import SETTINGS, Stage, staged
from tests.support.databases import ServiceDatabase
from tests.support.lending import lent_database
from tests.support.running import running

database = lent_database(PROCESS)


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
