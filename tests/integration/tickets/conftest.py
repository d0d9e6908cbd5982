"""A tickets service with a database and a folder of its own for each test."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from services.tickets.app import PROCESS
from tests.conftest import MakeDatabase
from tests.integration.tickets.stage import Stage, staged
from tests.support.running import running


@pytest.fixture
async def stage(
    make_database: MakeDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[Stage]:
    # The audit reads the environment, as it does on the command line.
    monkeypatch.setenv("BLOBS_DIR", str(tmp_path))
    database = await make_database(PROCESS)
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
