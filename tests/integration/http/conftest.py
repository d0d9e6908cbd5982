"""A schema with the plumbing's tables, and routes that write to it."""

import os
from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest

from chassis.db import Database, open_database
from chassis.migrations import migrate


@pytest.fixture
async def database() -> AsyncIterator[Database]:
    """A database of its own, gone afterwards."""
    server = os.environ["TEST_POSTGRES_URL"]
    name = f"http_{uuid4().hex}"
    admin: asyncpg.Connection = await asyncpg.connect(server)
    await admin.execute(f'CREATE DATABASE "{name}"')
    try:
        url = server.rpartition("/")[0] + f"/{name}"
        await migrate(url, schema="things", package="chassis")
        async with open_database(url, schema="things") as opened:
            async with opened.transaction() as tx:
                await tx.execute("CREATE TABLE effects (name text NOT NULL)")
            yield opened
    finally:
        await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        await admin.close()
