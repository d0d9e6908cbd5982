"""A tickets service with a database of its own for each test."""

import os
from collections.abc import AsyncGenerator
from pathlib import Path

import asyncpg
import pytest

from chassis.db import open_database
from chassis.ids import uuid7
from chassis.migrations import migrate
from tests.integration.tickets.stage import Stage, staged


@pytest.fixture
async def stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Stage]:
    monkeypatch.setenv("BLOBS_DIR", str(tmp_path))
    server = os.environ["TEST_POSTGRES_URL"]
    name = f"tickets_{uuid7().hex}"
    admin = await asyncpg.connect(server)
    await admin.execute(f"CREATE DATABASE {name}")
    url = server.rpartition("/")[0] + f"/{name}"
    try:
        await migrate(url, schema="tickets", package="services.tickets")
        async with (
            open_database(url, schema="tickets") as db,
            staged(db, tmp_path) as stage,
        ):
            yield stage
    finally:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()
