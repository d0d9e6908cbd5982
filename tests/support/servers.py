"""One Postgres and one RabbitMQ for a whole test session, shared by all its workers.

TEST_POSTGRES_URL, TEST_AMQP_URL and TEST_AMQP_MANAGEMENT_URL name servers to use.
Without them, the first worker that asks starts a keeper: a process that starts private
servers, and stops them when the session ends or when pytest is no more.
"""

import asyncio
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock

from deploy.local.ports import free_ports
from deploy.local.postgres import PrivatePostgres
from deploy.local.rabbitmq import PrivateRabbitMQ

START_SECONDS = 120
#: Set by the session's first process, for its workers: a folder, and its pid.
FOLDER_VARIABLE = "TEST_SERVERS_FOLDER"
SESSION_VARIABLE = "TEST_SESSION_PID"


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
    folder.mkdir(exist_ok=True, mode=0o755)
    with FileLock(folder / "lock"):
        addresses = folder / "servers.json"
        if not addresses.exists():
            _start_keeper(folder, addresses)
        return Servers(**json.loads(addresses.read_text()))


def name_session() -> None:
    """Tell the workers, who inherit it, which session they belong to."""
    name = f"clientarea-tests-{os.getpid()}-{secrets.token_hex(4)}"
    os.environ[FOLDER_VARIABLE] = str(Path(tempfile.gettempdir()) / name)
    os.environ[SESSION_VARIABLE] = str(os.getpid())


def stop_servers() -> None:
    """Stop the session's servers, if any were started, and wait for their end."""
    folder = Path(os.environ.pop(FOLDER_VARIABLE))
    try:
        os.kill(int((folder / "keeper.pid").read_text()), signal.SIGTERM)
    except (FileNotFoundError, ProcessLookupError):
        return
    deadline = time.monotonic() + START_SECONDS
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.05)


def _start_keeper(folder: Path, addresses: Path) -> None:
    log, session = folder / "keeper.log", os.environ[SESSION_VARIABLE]
    with log.open("wb") as output:
        keeper = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "tests.support.servers", folder, session],
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
        shutil.rmtree(folder)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    asyncio.run(_keep(Path(sys.argv[1]), int(sys.argv[2])))
