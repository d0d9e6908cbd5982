"""Billing with an empty database for each test."""

from collections.abc import AsyncGenerator

import pytest

from services.billing.app import PROCESS
from tests.integration.billing_orders.stage import Stage, staged
from tests.support.databases import ServiceDatabase
from tests.support.lending import lent_database

database = lent_database(PROCESS)


@pytest.fixture
async def stage(database: ServiceDatabase) -> AsyncGenerator[Stage]:
    async with staged(database) as stage:
        yield stage
        assert {
            name: result.violations
            for name, result in (await stage.audit()).items()
            if result.violations
        } == {}
