"""What dashboards and alerts ask about Postgres is what its exporter really tells."""

import asyncio
import os
import subprocess
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import asyncpg
import pytest

from chassis.ids import uuid7
from deploy.local.ports import LOOPBACK, free_ports
from deploy.local.prometheus import POSTGRES_EXPORTER
from deploy.postgres.bootstrap import OBSERVER, bootstrap, roles_of
from tests.integration.observability.scraped import LIMIT_SECONDS, Scrape, scrape
from tests.support.servers import Servers
from tests.unit.observability.exposed import OF_SERVERS
from tests.unit.observability.tools import tool

TOLD = sorted(name for name in OF_SERVERS if name.startswith("pg_"))
#: Told while a standby is connected; its labels are read from the exporter's source.
OF_A_STANDBY = "pg_stat_replication_pg_wal_lsn_diff"
#: Told by the compose file's exporter; Debian 12 has one from before it was added.
SINCE_0_17 = frozenset({"wait_event_type"})


@pytest.fixture
async def database(servers: Servers) -> AsyncGenerator[str]:
    """The URL by which the observer reaches a database of the test's own."""
    name = f"observed_{uuid7().hex}"
    passwords = dict.fromkeys(roles_of([]), "test")
    urls = await bootstrap(servers.postgres, [], passwords, name)
    yield urls[OBSERVER]
    admin = await asyncpg.connect(servers.postgres)
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


@contextmanager
def exporting(url: str, log: Path) -> Generator[str]:
    """Run the exporter; yields where it tells."""
    address = f"{LOOPBACK}:{free_ports(1)[0]}"
    environment = {**os.environ, "DATA_SOURCE_NAME": f"{url}?sslmode=disable"}
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - found on the PATH
            [tool(POSTGRES_EXPORTER), f"--web.listen-address={address}"],
            env=environment,
            stdout=output,
            stderr=output,
        )
    try:
        yield f"http://{address}/metrics"
    finally:
        process.terminate()
        process.wait(LIMIT_SECONDS)


async def told(url: str) -> Scrape:
    """Look until the exporter has asked Postgres."""
    async with asyncio.timeout(LIMIT_SECONDS):
        while True:
            try:
                seen = await scrape(url)
            except aiohttp.ClientError:
                await asyncio.sleep(0.1)
                continue
            assert seen.value("pg_up") == 1
            return seen


async def test_each_number_that_is_asked_for_is_told_with_its_labels(
    database: str, tmp_path: Path
) -> None:
    with exporting(database, tmp_path / "log") as url:
        seen = await told(url)
    for name in TOLD:
        if name != OF_A_STANDBY:
            assert OF_SERVERS[name] - SINCE_0_17 <= seen.labels_of(name), name


async def test_an_open_transaction_and_its_locks_are_seen(
    database: str, servers: Servers, tmp_path: Path
) -> None:
    name = urlsplit(database).path.lstrip("/")
    person = await asyncpg.connect(database)
    try:
        async with person.transaction():
            await person.execute("SELECT pg_advisory_xact_lock(1)")
            with exporting(database, tmp_path / "log") as url:
                seen = await told(url)
    finally:
        await person.close()
    state = {"datname": name, "state": "idle in transaction"}
    assert seen.value("pg_stat_activity_count", **state) == 1
    assert (seen.value("pg_stat_activity_max_tx_duration", **state) or 0) > 0
    assert seen.value("pg_locks_count", datname=name, mode="exclusivelock") == 1
    admin = await asyncpg.connect(servers.postgres)
    limit = int(await admin.fetchval("SHOW max_connections"))
    await admin.close()
    assert seen.value("pg_settings_max_connections") == limit
