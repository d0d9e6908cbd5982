"""A private RabbitMQ: made in a folder, on loopback, gone with the process it serves.

The server is the machine's own package, run as a node of its own beside whatever
else runs: own name service, own cookie, own files.
"""

import asyncio
import os
import secrets
import shutil
import signal
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import aiohttp

from deploy.local.disk import has_room
from deploy.local.faults import CannotStart
from deploy.local.home import Home, server_user
from deploy.local.packages import ensure_rabbitmq
from deploy.local.ports import LOOPBACK, answers, free_ports
from deploy.local.server import ServerProcess
from deploy.local.waiting import poll

USERS = ("rabbitmq", "nobody")
START_SECONDS = 90
STOP_SECONDS = 20
EPMD_SECONDS = 10
#: It is looked at so often, and ended when it refused so many times on end.
LOOK_SECONDS = 2
PATIENCE = 5
#: After the disk was full it is looked at so many times more.
LOOKS_AFTERWARDS = 150
REQUEST_TIMEOUT = aiohttp.ClientTimeout(total=10)
AMQP_GREETING = b"AMQP\x00\x00\x09\x01"
METHOD_FRAME = b"\x01"


@dataclass(frozen=True)
class Ports:
    """Every port a node listens on; `management` only where it is wanted."""

    amqp: int
    distribution: int
    epmd: int
    management: int

    @classmethod
    def free(cls) -> "Ports":
        return cls(*free_ports(4))


class PrivateRabbitMQ:
    """One RabbitMQ node of our own; `url` connects as its administrator.

    The management API costs a second at the start and five at the stop.
    """

    name = "RabbitMQ"

    def __init__(
        self, folder: Path, ports: Ports | None = None, *, management: bool = True
    ) -> None:
        self.home = Home.of(folder, server_user(USERS))
        self.ports = ports or Ports.free()
        self._management = management
        self._name_service: ServerProcess | None = None
        self._node: ServerProcess | None = None
        self._has_served = False

    @property
    def url(self) -> str:
        return f"amqp://{self._credentials}@{LOOPBACK}:{self.ports.amqp}/"

    @property
    def management_url(self) -> str:
        return f"http://{self._credentials}@{LOOPBACK}:{self.ports.management}"

    @property
    def pid(self) -> int | None:
        return self._node.pid if self._node else None

    @property
    def alive(self) -> bool:
        return self._node is not None and self._node.alive

    def make(self) -> None:
        """Write the node's files; its `url` is known from then on."""
        home = self.home
        home.make()
        if not (home.folder / "password").exists():
            home.write("password", secrets.token_urlsafe(24))
        cookie = home.folder / "home" / ".erlang.cookie"
        if not cookie.exists():
            home.write("home/.erlang.cookie", secrets.token_hex(16), mode=0o400)
        home.write("rabbitmq.conf", self._configuration())
        plugins = "rabbitmq_management" if self._management else ""
        home.write("enabled_plugins", f"[{plugins}].\n")

    async def start(self) -> None:
        """Make the node where there is none yet, start it, wait until it serves."""
        server = await asyncio.to_thread(ensure_rabbitmq)
        await self.kill()  # a node that died left its name service, which has our lock
        self.make()
        lock = await self.home.lock()
        try:
            await self._start_name_service(lock)
            await self._start_node(server, lock)
        finally:
            os.close(lock)

    async def stop(self) -> None:
        """Stop the node and its name service."""
        if self._node is not None:
            # A node that still boots hears nothing; it has nothing to lose either.
            seconds = STOP_SECONDS if self._has_served else 0
            await self._node.stop(signal.SIGTERM, within=seconds)
        await self._end_name_service()

    async def kill(self) -> None:
        """End it as a power cut would."""
        if self._node is not None:
            await self._node.kill()
        await self._end_name_service()

    async def end_when_it_turns_all_away(self) -> None:
        """Watch it for ever: a node that met a full disk may live on, and serve nobody.

        One that is only slow, or stopped by a signal, keeps its callers waiting; it
        is left alone. It is called only while the disk is full and for a time after
        that, as it notes each call in its log.
        """
        looks_left, turned_away = 0, 0
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            full = not has_room(self.home.folder)
            looks_left = LOOKS_AFTERWARDS if full else max(looks_left - 1, 0)
            if not (looks_left and self.alive and self._has_served):
                turned_away = 0
                continue
            refused = await asyncio.to_thread(turns_away, self.ports.amqp)
            turned_away = turned_away + 1 if refused else 0
            if turned_away >= PATIENCE:
                await self.kill()

    async def add_vhost(self, name: str) -> str:
        """Make a virtual host, which may exist already; return its URL."""
        path = f"{self.management_url}/api/vhosts/{quote(name, safe='')}"
        async with (
            aiohttp.ClientSession(timeout=REQUEST_TIMEOUT) as session,
            session.put(path, raise_for_status=True),
        ):
            return self.url + quote(name, safe="")

    @property
    def _credentials(self) -> str:
        return f"clientarea:{(self.home.folder / 'password').read_text()}"

    def _configuration(self) -> str:
        password = (self.home.folder / "password").read_text()
        lines = {
            "listeners.tcp.1": f"{LOOPBACK}:{self.ports.amqp}",
            "default_user": "clientarea",
            "default_pass": password,
            "vm_memory_high_watermark.absolute": "512MB",
            "disk_free_limit.absolute": "50MB",
            "log.console": "true",
            "log.file": "false",
        }
        if self._management:
            lines["management.tcp.ip"] = LOOPBACK
            lines["management.tcp.port"] = str(self.ports.management)
        return "".join(f"{key} = {value}\n" for key, value in lines.items())

    async def _start_name_service(self, lock: int) -> None:
        """Start our own epmd first: else the node starts one that outlives it."""
        epmd = shutil.which("epmd")
        if epmd is None:
            raise CannotStart("Erlang's epmd is missing beside RabbitMQ: reinstall it.")
        port = str(self.ports.epmd)
        self._name_service = ServerProcess.start(
            [epmd, "-port", port, "-address", LOOPBACK],
            self.home,
            log="epmd.log",
            lock=lock,
        )
        if not await poll(lambda: answers(self.ports.epmd), within=EPMD_SECONDS):
            await self._end_name_service()
            raise CannotStart(f"epmd did not answer on port {port} of {LOOPBACK}.")

    async def _end_name_service(self) -> None:
        if self._name_service is not None:
            await self._name_service.kill()

    async def _start_node(self, server: Path, lock: int) -> None:
        self._has_served = False
        self._node = ServerProcess.start(
            [server],
            self.home,
            log="rabbitmq.log",
            lock=lock,
            environment=self._environment(),
        )
        await poll(lambda: self._serves() or not self.alive, within=START_SECONDS)
        if not (self.alive and self._serves()):
            await self.kill()
            raise CannotStart(f"RabbitMQ did not start: {self._node.last_words}")
        self._has_served = True

    def _environment(self) -> dict[str, str]:
        folder = self.home.folder
        return {
            "HOME": str(folder / "home"),
            "LANG": "C.UTF-8",
            # As under systemd, the script becomes the node instead of waiting for
            # it: no shell lies between us and what must die with us.
            "RUNNING_UNDER_SYSTEMD": "true",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_NODENAME": "clientarea@localhost",
            "RABBITMQ_DIST_PORT": str(self.ports.distribution),
            "ERL_EPMD_PORT": str(self.ports.epmd),
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_PID_FILE": str(folder / "rabbit.pid"),
            "RABBITMQ_PLUGINS_EXPAND_DIR": str(folder / "expand"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "config"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +B i"
            ),
        }

    def _serves(self) -> bool:
        ports = self.ports
        return _greets(ports.amqp) and (
            not self._management or answers(ports.management)
        )


def turns_away(port: int) -> bool:
    """Whether a caller is refused, or hung up on, as nobody who works does."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1) as connection:
            connection.sendall(AMQP_GREETING)
            return connection.recv(1) != METHOD_FRAME
    except TimeoutError:
        return False
    except OSError:
        return True


def _greets(port: int) -> bool:
    """Whether AMQP is spoken there: a port may be open before its server is ready."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1) as connection:
            connection.sendall(AMQP_GREETING)
            return connection.recv(1) == METHOD_FRAME
    except OSError:
        return False
