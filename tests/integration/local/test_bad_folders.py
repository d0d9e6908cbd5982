"""`make run` on a data folder that can't be used as it is: one line, no traceback."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import pytest

from chassis.migrations import migrate
from deploy.local.datafolder import PROJECT, DataFolder
from deploy.local.environments import SERVICES
from deploy.local.ports import free_ports
from deploy.local.stack import PORTS, Servers
from deploy.postgres.bootstrap import bootstrap, owner_of, roles_of

END_SECONDS = 120

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def data() -> Iterator[DataFolder]:
    """Yield a data folder that every user can enter, with nothing in it yet."""
    with TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        data = DataFolder(Path(place) / "data")
        data.make()
        yield data
        Servers(data, data.ports(PORTS)).remove()


async def test_a_migration_that_was_edited_since_is_said_with_what_to_do(
    data: DataFolder,
) -> None:
    server = Servers(data, data.ports(PORTS)).postgres
    await server.start()
    passwords = dict.fromkeys(roles_of(SERVICES), "test")
    url = (await bootstrap(server.url, SERVICES, passwords))[owner_of("billing")]
    await migrate(url, schema="billing", package="services.billing")
    owner = await asyncpg.connect(url)
    await owner.execute(
        "UPDATE schema_migrations SET sha256 = 'other' WHERE name = '0001_init'"
    )
    await owner.close()
    await server.stop()

    ended = start(data)

    assert ended.returncode == 1
    assert ended.stderr.strip() == (
        "billing: 0001_init was edited after it was applied: put the file back as it"
        " was, and what is new into another migration. Where nothing in"
        f" {data.path} is of any worth, `make reset` begins anew."
    )
    assert "Traceback" not in ended.stdout


def start(data: DataFolder) -> subprocess.CompletedProcess[str]:
    """Run it to its end, which is to come soon."""
    [port] = free_ports(1)
    environment = {"CLIENTAREA_DATA": str(data.path), "CLIENTAREA_PORT": str(port)}
    return subprocess.run(
        [sys.executable, "-m", "deploy.local", "run"],
        cwd=PROJECT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=END_SECONDS,
    )
