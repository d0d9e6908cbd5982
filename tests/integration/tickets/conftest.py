"""A tickets service with an empty database and folder for each test."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from services.tickets.app import PROCESS
from tests.integration.tickets.stage import Stage, staged
from tests.support.databases import ServiceDatabase
from tests.support.lending import lent_database
from tests.support.running import running

database = lent_database(PROCESS)


@pytest.fixture
async def stage(
    database: ServiceDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Stage]:
    # The audit reads the environment, as it does on the command line.
    monkeypatch.setenv("BLOBS_DIR", str(tmp_path))
    async with (
        running(
            PROCESS,
            database_url=database.url,
            blobs_dir=tmp_path,
            parts=frozenset({"http"}),
        ) as tickets,
        staged(tickets) as stage,
    ):
        yield stage
