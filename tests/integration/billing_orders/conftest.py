"""Billing with a database of its own for each test."""

from collections.abc import AsyncGenerator

import pytest

from services.billing.app import PROCESS
from tests.conftest import MakeDatabase
from tests.integration.billing_orders.stage import Stage, staged
from tests.support.databases import ServiceDatabase


@pytest.fixture
async def database(make_database: MakeDatabase) -> ServiceDatabase:
    return await make_database(PROCESS)


@pytest.fixture
async def stage(database: ServiceDatabase) -> AsyncGenerator[Stage]:
    async with staged(database) as stage:
        yield stage
        assert {
            name: result.violations
            for name, result in (await stage.audit()).items()
            if result.violations
        } == {}
