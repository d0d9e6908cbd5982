"""Installations to be backed up, restored into, and operated."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from chassis import topology
from chassis.bus import connect
from chassis.ids import uuid7
from contracts.subscriptions import SUBSCRIPTIONS
from deploy.operate.targets import Targets
from tests.integration.deploy.installations import (
    Installed,
    accounts,
    administer,
    install,
    installation,
)
from tests.support.servers import Servers


@pytest.fixture(scope="session")
def installed(servers: Servers) -> Iterator[Installed]:
    """Made once: it takes longer than most of these tests."""
    name = f"test_operate_{uuid7().hex}"
    made = Installed(servers, f"{name}_bare", f"{name}_migrated")
    with asyncio.Runner() as runner:
        runner.run(install(made))
        yield made
        for database in (made.bare, made.migrated):
            runner.run(administer(servers, f"DROP DATABASE {database} WITH (FORCE)"))


@pytest.fixture
async def here(
    installed: Installed,
    tmp_path: Path,
    amqp_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Targets]:
    """An installation with a customer and a stored file."""
    monkeypatch.setenv("BLOBS_DIR", str(tmp_path / "elsewhere" / "blobs"))
    async with (
        connect(amqp_url, "test") as connection,
        installation(
            installed, installed.migrated, tmp_path / "here", amqp_url
        ) as targets,
    ):
        await topology.declare(connection, SUBSCRIPTIONS)
        async with accounts(targets) as stage:
            await stage.register()
        stored = targets.folder("blobs") / "ab" / "0123456789ab"
        stored.parent.mkdir(parents=True)
        stored.write_bytes(b"proof")
        yield targets


@pytest.fixture
async def elsewhere(
    installed: Installed,
    tmp_path: Path,
    amqp_url: str,
    request: pytest.FixtureRequest,
) -> AsyncIterator[Targets]:
    """An installation that was never used; "migrated" where that is asked for."""
    name = getattr(request, "param", "bare")
    template = installed.migrated if name == "migrated" else installed.bare
    async with installation(
        installed, template, tmp_path / "elsewhere", amqp_url
    ) as targets:
        yield targets
