"""The private servers: started, stopped, killed, and nothing left of them."""

import asyncio
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import dedent

import aio_pika
import asyncpg
import pytest

from deploy.local.faults import CannotStart
from deploy.local.home import Home
from deploy.local.ports import answers, free_ports
from deploy.local.postgres import PrivatePostgres
from deploy.local.rabbitmq import Ports, PrivateRabbitMQ
from deploy.local.waiting import poll

PROJECT = Path(__file__).resolve().parents[3]
GONE_SECONDS = 60
AS_ROOT = os.geteuid() == 0


@pytest.fixture
def place() -> Iterator[Path]:
    """Yield a folder that every user can enter, unlike pytest's own."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def folder(place: Path) -> Path:
    """Return a deep folder with spaces: longer than a socket's path may be."""
    return place / "a folder with spaces" / ("deep " * 20).strip() / "server"


@pytest.fixture
def rabbitmq_folder(place: Path) -> Path:
    return place / "another folder" / "rabbit mq"


@pytest.fixture
def private_folder(tmp_path: Path) -> Iterator[Path]:
    """Yield a folder that only its maker can enter."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    yield closed / "server"
    PrivatePostgres(closed / "server", 0).home.remove()


async def say(postgres: PrivatePostgres, sql: str) -> object:
    connection = await asyncpg.connect(postgres.url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


def is_unused(home: Home) -> bool:
    """Whether no process of the server lives: each of them holds the lock."""
    with (home.folder / "lock").open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def user_of(pid: int) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


def start_and_be_killed(code: str) -> None:
    """Run a script that starts a server and is then killed with -9."""
    script = f"import asyncio, os, signal\nfrom pathlib import Path\n{dedent(code)}"
    done = subprocess.run(  # noqa: S603  # the script above
        [sys.executable, "-c", script], cwd=PROJECT, check=False, capture_output=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


async def test_postgres_keeps_its_rows_over_a_stop(folder: Path) -> None:
    server = PrivatePostgres(folder, free_ports(1)[0])
    assert server.home.folder == folder
    await server.start()
    await say(server, "CREATE TABLE kept (id int)")
    await server.stop()
    assert is_unused(server.home)
    await server.start()
    assert await say(server, "SELECT count(*) FROM kept") == 0
    await server.stop()


async def test_postgres_comes_back_after_a_kill(folder: Path) -> None:
    server = PrivatePostgres(folder, free_ports(1)[0])
    await server.start()
    await say(server, "CREATE TABLE kept (id int)")
    await server.kill()
    assert not server.alive
    await server.start()
    assert await say(server, "SELECT count(*) FROM kept") == 0
    await server.stop()


async def test_a_dead_servers_pid_file_is_taken_up(folder: Path) -> None:
    server = PrivatePostgres(folder, free_ports(1)[0], durable=False)
    await server.start()
    pid_file = server.home.folder / "data" / "postmaster.pid"
    left = pid_file.read_text()
    await server.stop()
    # The number now belongs to a living process of somebody else's: this one.
    pid_file.write_text(left.replace(left.split()[0], str(os.getpid()), 1))
    await server.start()
    await server.stop()


async def test_only_its_user_can_read_the_password(folder: Path) -> None:
    server = PrivatePostgres(folder, free_ports(1)[0], durable=False)
    await server.start()
    password = server.home.folder / "password"
    assert password.stat().st_mode & 0o777 == 0o600
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(server.url.replace(password.read_text(), "wrong"))
    await server.stop()


async def test_postgres_dies_with_its_parent(folder: Path) -> None:
    port = free_ports(1)[0]
    start_and_be_killed(f"""
        from deploy.local.postgres import PrivatePostgres
        asyncio.run(PrivatePostgres(Path({str(folder)!r}), {port}).start())
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    home = PrivatePostgres(folder, port).home
    assert await poll(lambda: is_unused(home), within=GONE_SECONDS)
    assert not answers(port)


async def test_a_second_server_in_a_folder_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploy.local.home.TAKEOVER_SECONDS", 0.1)
    server = PrivatePostgres(folder, free_ports(1)[0], durable=False)
    await server.start()
    with pytest.raises(CannotStart, match="Another server is running"):
        await PrivatePostgres(folder, free_ports(1)[0]).start()
    await server.stop()


async def test_a_taken_port_is_named(folder: Path) -> None:
    server = PrivatePostgres(folder, free_ports(1)[0], durable=False)
    await server.start()
    second = PrivatePostgres(folder.with_name("second"), server.port, durable=False)
    with pytest.raises(CannotStart, match=str(server.port)):
        await second.start()
    await server.stop()


@pytest.mark.skipif(not AS_ROOT, reason="only root changes user")
async def test_root_drops_its_rights_and_leaves_its_own_folders_closed(
    private_folder: Path,
) -> None:
    server = PrivatePostgres(private_folder, free_ports(1)[0], durable=False)
    await server.start()
    assert server.pid is not None
    assert user_of(server.pid) != 0
    assert server.home.folder != private_folder
    assert private_folder.parent.stat().st_mode & 0o777 == 0o700
    await server.stop()


async def test_two_nodes_side_by_side_keep_their_messages_over_a_stop(
    folder: Path, rabbitmq_folder: Path
) -> None:
    nodes = [
        PrivateRabbitMQ(place, management=False) for place in (folder, rabbitmq_folder)
    ]
    await asyncio.gather(*(node.start() for node in nodes))
    for node in nodes:
        await put(node.url, str(node.ports))
    await asyncio.gather(*(node.stop() for node in nodes))
    assert all(is_unused(node.home) for node in nodes)
    await asyncio.gather(*(node.start() for node in nodes))
    for node in nodes:
        assert await take(node.url) == str(node.ports)
        await node.kill()
        assert is_unused(node.home)


async def test_rabbitmq_and_its_name_service_die_with_their_parent(
    rabbitmq_folder: Path,
) -> None:
    ports = Ports.free()
    start_and_be_killed(f"""
        from deploy.local.rabbitmq import Ports, PrivateRabbitMQ
        node = PrivateRabbitMQ(Path({str(rabbitmq_folder)!r}), {ports!r})
        asyncio.run(node.start())
        assert asyncio.run(node.add_vhost("a/b")).endswith("/a%2Fb")
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    home = PrivateRabbitMQ(rabbitmq_folder, ports).home
    assert await poll(lambda: is_unused(home), within=GONE_SECONDS)
    assert not any(answers(port) for port in (ports.amqp, ports.epmd))


async def put(url: str, text: str) -> None:
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.declare_queue(
            "kept", durable=True, arguments={"x-queue-type": "quorum"}
        )
        message = aio_pika.Message(text.encode(), delivery_mode=2)
        await channel.default_exchange.publish(message, "kept")


async def take(url: str) -> str:
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        queue = await channel.get_queue("kept")
        message = await queue.get(timeout=GONE_SECONDS)
        return message.body.decode()
