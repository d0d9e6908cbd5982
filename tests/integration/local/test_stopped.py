"""Operators' commands beside a `make run` that is stopped: they start its servers."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import asyncpg
import pytest

from deploy.local.datafolder import PROJECT, DataFolder
from deploy.local.environments import ADDRESSES, SERVICES
from deploy.local.faults import CannotStart
from deploy.local.keys import Keys
from deploy.local.ports import LOOPBACK, answers
from deploy.local.stack import PORTS, Servers
from deploy.local.waiting import poll
from deploy.operate.letters import broker, queue_state
from deploy.operate.targets import reached
from deploy.postgres.bootstrap import AUDITOR, bootstrap, roles_of

END_SECONDS = 120
HOLDER = """
import asyncio
from deploy.local.datafolder import DataFolder
from deploy.operate.targets import reached

async def hold():
    async with reached():
        print("held", flush=True)
        await asyncio.Event().wait()

asyncio.run(hold())
"""

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def data(monkeypatch: pytest.MonkeyPatch) -> Iterator[DataFolder]:
    """A data folder whose servers were made, and are stopped."""
    for given in ("DATABASE_ADMIN_URL", "AMQP_URL"):
        monkeypatch.delenv(given, raising=False)
    with TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        data = DataFolder(Path(place) / "data")
        monkeypatch.setenv("CLIENTAREA_DATA", str(data.path))
        data.make()
        ports = data.ports(PORTS)
        servers = Servers(data, ports)
        keys = Keys.of(data, roles=roles_of(SERVICES), people=())
        data.write(ADDRESSES, servers.addresses(ports, 1, keys))
        asyncio.run(make_database(servers, keys))
        yield data
        servers.remove()


async def make_database(servers: Servers, keys: Keys) -> None:
    await servers.postgres.start()
    await bootstrap(servers.postgres.url, SERVICES, keys.roles)
    await servers.postgres.stop()


def port_of(data: DataFolder, server: str) -> int:
    ports = data.read("ports.json", dict[str, int])
    assert ports is not None
    return ports[server]


async def test_postgres_is_there_while_a_command_works_and_no_longer(
    data: DataFolder,
) -> None:
    port = port_of(data, "postgres")
    async with reached() as targets:
        connection = await asyncpg.connect(targets.auditor("billing"))
        assert await connection.fetchval("SELECT current_user") == AUDITOR
        await connection.close()
        assert not data.is_held, "which would be a run"
    assert not answers(port)


async def test_rabbitmq_is_started_for_those_that_ask_it(data: DataFolder) -> None:
    async with reached() as targets:
        port = port_of(data, "amqp")
        assert not answers(port)
        async with broker(targets) as connection:
            channel = await connection.channel()
            await channel.declare_queue("mine", durable=True)
            assert await queue_state(connection, "mine") == (0, 0)
    assert not answers(port)


async def test_servers_are_found_where_another_has_their_ports(
    data: DataFolder,
) -> None:
    before = port_of(data, "postgres")
    with socket.create_server((LOOPBACK, before)):
        async with reached() as targets:
            assert f":{before}/" not in targets.auditor("billing")
            await (await asyncpg.connect(targets.auditor("billing"))).close()


def say(module: str, command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", module, command],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
        timeout=END_SECONDS,
    )


async def test_who_comes_meanwhile_is_refused_in_a_line_and_a_kill_leaves_no_lock(
    data: DataFolder,
) -> None:
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, cwd=PROJECT, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert await holder.stdout.readline() == b"held\n"
    for module, command in (
        ("deploy.operate", "due"),
        ("deploy.local", "run"),
        ("deploy.local", "reset"),
    ):
        refused = await asyncio.to_thread(say, module, command)
        assert refused.returncode == 1
        assert refused.stderr.strip() == (
            "A command of `python -m deploy.operate` has started the servers of"
            f" {data.path}: wait until it has ended, then try again."
        )
    status = await asyncio.to_thread(say, "deploy.local", "status")
    assert status.stdout.startswith("not running")
    holder.kill()
    await holder.wait()
    async with reached() as targets:
        await (await asyncpg.connect(targets.auditor("billing"))).close()


async def test_commands_beside_a_run_start_nothing_and_do_not_mind_each_other(
    data: DataFolder,
) -> None:
    with data.held():
        async with reached() as one, reached() as other:
            assert one.admin_url == other.admin_url
            assert not answers(port_of(data, "postgres"))
        with pytest.raises(CannotStart, match="already runs"), data.held():
            pass


async def test_a_command_that_is_stopped_stops_what_it_started(
    data: DataFolder,
) -> None:
    port = port_of(data, "postgres")
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLDER, cwd=PROJECT, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    await holder.stdout.readline()
    assert answers(port)
    os.kill(holder.pid, signal.SIGINT)
    await holder.wait()
    assert await poll(lambda: not answers(port), within=END_SECONDS)
    with data.held():
        pass
