"""One Postgres and one RabbitMQ for a whole test session, shared by all its workers.

TEST_POSTGRES_URL, TEST_AMQP_URL and TEST_AMQP_MANAGEMENT_URL name servers to use.
Without them, the first worker that asks starts a keeper: a process that starts private
servers, and stops them when the session ends or when pytest is no more.
"""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock

from deploy.local.ports import free_ports
from deploy.local.postgres import PrivatePostgres
from deploy.local.rabbitmq import PrivateRabbitMQ

START_SECONDS = 120
#: Set by the session's first process, for its workers.
FOLDER_VARIABLE = "TEST_SERVERS_FOLDER"


@dataclass(frozen=True)
class Servers:
    """Where the servers are; each URL is an administrator's."""

    postgres: str
    amqp: str
    management: str


def given_servers() -> Servers | None:
    """Return the servers that the environment names."""
    names = ("TEST_POSTGRES_URL", "TEST_AMQP_URL", "TEST_AMQP_MANAGEMENT_URL")
    urls = [os.environ[name] for name in names if os.environ.get(name)]
    return Servers(*urls) if len(urls) == len(names) else None


def shared_servers() -> Servers:
    """Return the session's servers, starting them if nobody has."""
    if given := given_servers():
        return given
    folder = Path(os.environ[FOLDER_VARIABLE])
    with FileLock(folder / "lock"):
        addresses = folder / "servers.json"
        if not addresses.exists():
            _start_keeper(folder, addresses)
        return Servers(**json.loads(addresses.read_text()))


def stop_keeper(folder: Path) -> None:
    """Stop the session's servers, if any were started, and wait for their end."""
    try:
        pid = int((folder / "keeper.pid").read_text())
        os.kill(pid, signal.SIGTERM)
    except (FileNotFoundError, ProcessLookupError):
        return
    deadline = time.monotonic() + START_SECONDS
    while (folder / "keeper.pid").exists() and time.monotonic() < deadline:
        time.sleep(0.05)


def _start_keeper(folder: Path, addresses: Path) -> None:
    log = folder / "keeper.log"
    with log.open("wb") as output:
        keeper = subprocess.Popen(  # noqa: S603 - our own module
            [
                sys.executable,
                "-m",
                "tests.support.servers",
                folder,
                str(_session_pid()),
            ],
            cwd=Path(__file__).parents[2],
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS
    while not addresses.exists():
        if keeper.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"no servers for the tests: {log.read_text()}")
        time.sleep(0.05)
    # It outlives this worker on purpose: the session's first process stops it.
    keeper.returncode = 0


def _session_pid() -> int:
    """Return the pid of the pytest that everybody's end depends on."""
    return int(os.environ[f"{FOLDER_VARIABLE}_PID"])


async def _keep(folder: Path, session: int) -> None:
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    (folder / "keeper.pid").write_text(str(os.getpid()))
    postgres = PrivatePostgres(folder / "postgres", free_ports(1)[0], durable=False)
    rabbitmq = PrivateRabbitMQ(folder / "rabbitmq")
    try:
        await asyncio.gather(postgres.start(), rabbitmq.start())
        servers = Servers(postgres.url, rabbitmq.url, rabbitmq.management_url)
        draft = folder / "servers.json.new"
        draft.write_text(json.dumps(asdict(servers)))
        draft.rename(folder / "servers.json")
        while _lives(session) and not stopping.is_set():
            await asyncio.sleep(0.2)
    finally:
        await asyncio.gather(postgres.stop(), rabbitmq.stop())
        postgres.home.remove()
        rabbitmq.home.remove()
        (folder / "keeper.pid").unlink()
        if not _lives(session):
            shutil.rmtree(folder)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    asyncio.run(_keep(Path(sys.argv[1]), int(sys.argv[2])))
