"""The product as `make run` starts it, in a folder and on ports of the test's own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import psutil
import pytest

from deploy.audit import audit, report, urls_from_environment
from deploy.local.datafolder import DataFolder
from deploy.local.environments import ADDRESSES, Addresses, audit_environment
from deploy.local.ports import free_ports
from tests.e2e.client import Api, Json, Mailbox

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 180
STOP_SECONDS = 90
#: For all that is on its way to have arrived.
REST_SECONDS = 60
POLL_SECONDS = 0.1
PROCESSES = ("accounts", "billing", "tickets", "notifier", "gateway")


@dataclass(frozen=True)
class Product:
    """`make run`, running."""

    folder: Path

    @property
    def demo(self) -> Json:
        return json.loads((self.folder / "demo.json").read_text())

    def pid(self, name: str) -> int | None:
        """Return who listens where this process or server should; None: nobody yet."""
        port = self._port(name)
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN
            if listens and connection.laddr[1:] == (port,):
                return connection.pid
        return None

    def kill(self, name: str) -> None:
        """End it as a power cut would."""
        pid = self.pid(name)
        assert pid is not None, f"{name} isn't running"
        os.kill(pid, signal.SIGKILL)

    def _port(self, name: str) -> int:
        addresses = DataFolder(self.folder).read(ADDRESSES, Addresses)
        assert addresses is not None
        urls = {
            "gateway": addresses.gateway_url,
            "postgres": addresses.databases["auditor"],
            "rabbitmq": addresses.amqp_url,
        }
        url = urls.get(name) or addresses.service_url(name)
        port = urlsplit(url).port
        assert port is not None
        return port


@dataclass(frozen=True)
class Stack:
    """A running product, and ways into it."""

    product: Product
    http: aiohttp.ClientSession
    demo: Json

    @property
    def api(self) -> Api:
        """The gateway, signed in as nobody."""
        return Api(self.http, self.demo["gateway"], patient=True)

    @property
    def mailbox(self) -> Mailbox:
        return Mailbox(self.http, self.demo["mailbox"])

    async def staff(self, role: str) -> Api:
        """Log a staff member in; anew, as tokens are short-lived."""
        [login] = [each for each in self.demo["logins"] if each["role"] == role]
        return await self.api.log_in(login["email"], login["password"])

    async def clock(self) -> Json:
        return await (await self.staff("admin")).get("/staff/clock")

    async def audit(self) -> str:
        """Run the operators' audit; return what it prints where anything disagrees."""
        folder = DataFolder(self.product.folder)
        addresses = folder.read(ADDRESSES, Addresses)
        assert addresses is not None
        told = audit_environment(addresses, folder.blobs)
        with pytest.MonkeyPatch.context() as environment:
            for name, value in told.items():
                environment.setenv(name, value)
            urls = urls_from_environment()
            findings = await audit(urls, wait_seconds=REST_SECONDS)
        agrees = all(finding.agrees for finding in findings)
        return "" if agrees else report(findings)


@contextmanager
def running_product(
    folder: Path, environment: Mapping[str, str] | None = None
) -> Generator[Product]:
    """Start everything, wait until it serves, and stop it at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    console = folder.parent / f"{folder.name}.console"
    variables = {
        **os.environ,
        "CLIENTAREA_DATA": str(folder),
        "CLIENTAREA_PORT": str(free_ports(1)[0]),
        # On a busy machine a page waits for its panels instead of doing without.
        "PANEL_TIMEOUT_SECONDS": "30",
        "PAGE_TIMEOUT_SECONDS": "60",
        **(environment or {}),
    }
    with console.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "deploy.local", "run"],
            cwd=ROOT,
            env=variables,
            stdout=output,
            stderr=output,
        )
        try:
            _wait_until_ready(folder, process, console)
            yield Product(folder)
        finally:
            _stop(process)


@contextmanager
def open_folder() -> Generator[Path]:
    """Yield a folder that servers running as another user can reach.

    Pytest's own temporary folders are closed again by every new run.
    """
    folder = Path(tempfile.mkdtemp(prefix="clientarea-e2e-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def visiting(product: Product) -> AsyncGenerator[Stack]:
    """Open the ways into a running product."""
    async with aiohttp.ClientSession() as http:
        yield Stack(product, http, product.demo)


def _wait_until_ready(
    folder: Path, process: subprocess.Popen[bytes], console: Path
) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        if (folder / "demo.json").exists():
            return
        time.sleep(POLL_SECONDS)
    raise AssertionError(f"it did not start:\n{console.read_text()[-4000:]}")


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    process.wait(STOP_SECONDS)
