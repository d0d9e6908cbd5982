"""A database with the plumbing's tables, and one to have effects on."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from chassis.db import Database, open_database
from tests.support.databases import fresh_database
from tests.support.servers import Servers


@pytest.fixture
async def database(servers: Servers) -> AsyncIterator[Database]:
    async with fresh_database(servers, "things", package="chassis") as made:
        owner: asyncpg.Connection = await asyncpg.connect(made.owner_url)
        await owner.execute("CREATE TABLE things.effects (name text NOT NULL)")
        await owner.close()
        async with open_database(made.url, schema="things") as opened:
            yield opened
