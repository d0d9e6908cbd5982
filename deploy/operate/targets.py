"""Where everything is: told by the environment, or by the data folder of `make run`."""

import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from chassis.addresses import AMQP, POSTGRES, checked, http_url
from deploy.local.datafolder import DataFolder
from deploy.local.disk import reason
from deploy.local.environments import ADDRESSES, SERVICES, Addresses
from deploy.operate.awake import Awake, awake, nothing
from deploy.operate.faults import CannotOperate
from deploy.postgres.bootstrap import AUDITOR, owner_of

LARGEST_PORT = 65535
MOST_DIGITS = 5


@dataclass(frozen=True)
class Targets:
    """How to reach each part; what isn't known is empty, and asked for when needed."""

    owners: Mapping[str, str]
    auditors: Mapping[str, str]
    amqp_url: str
    admin_url: str
    processes: Mapping[str, str]
    blobs: Path | None
    backups: Path | None
    #: To be awaited by whoever is about to use the broker; may raise CannotStart.
    wake_broker: Callable[[], Awaitable[None]] = nothing

    def owner(self, service: str) -> str:
        """Return the service's database as its owner."""
        return self.owners.get(service) or _missing(f"{service}_owner_database_url")

    def auditor(self, service: str) -> str:
        """Return the service's database as the role that only reads."""
        return self.auditors.get(service) or _missing("audit_url")

    def need(self, name: str) -> str:
        """Return `amqp_url` or `admin_url`, or say that it isn't set."""
        variable = "database_admin_url" if name == "admin_url" else name
        return str(getattr(self, name)) or _missing(variable)

    def folder(self, name: str) -> Path:
        """Return `blobs` or `backups`, or say that it isn't set."""
        found: Path | None = getattr(self, name)
        return found or Path(_missing(f"{name}_dir"))


@asynccontextmanager
async def reached() -> AsyncGenerator[Targets]:
    """Yield where everything is; starts the servers of a `make run` that is stopped.

    The environment goes before a data folder: where containers run there is none.
    """
    if any(_told(f"{name}_owner_database_url") for name in SERVICES) or _told(
        "audit_url"
    ):
        yield _from_environment()
        return
    data = DataFolder.from_environment()
    addresses = data.read(ADDRESSES, Addresses) if data.is_ours else None
    if addresses is None:
        raise CannotOperate(
            f"Nothing says where the Client Area is: {data.path} is no folder of a"
            " `make run`. Set CLIENTAREA_DATA to one, or the variables named in"
            " docs/operating/README.md."
        )
    async with awake(data, addresses) as servers:
        yield _from_folder(data, servers)


def place(url: str) -> str:
    """Name a database, without its secrets: `host:port/database`."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 5432}/{unquote(parts.path.strip('/'))}"


def _told(name: str) -> str:
    """Return a variable, or the file of that name in SECRETS_DIR; else nothing."""
    if given := os.environ.get(name.upper(), "").strip():
        return given
    folder = os.environ.get("SECRETS_DIR")
    if folder and not Path(folder).is_dir():
        raise CannotOperate(
            f"SECRETS_DIR: there is no folder {folder!r}; leave it empty for none."
        )
    path = Path(folder) / name if folder else None
    try:
        return path.read_text("utf-8").strip() if path and path.exists() else ""
    except OSError as fault:
        raise CannotOperate(f"SECRETS_DIR: {reason(fault)}.") from None
    except UnicodeDecodeError:
        raise CannotOperate(f"SECRETS_DIR: {path} is no text.") from None


def _address(name: str, check: Callable[[str], str]) -> str:
    """Return what is told, if the check takes it; the password is never quoted."""
    try:
        return check(_told(name))
    except ValueError as wrong:
        raise CannotOperate(f"{name.upper()} {wrong}.") from None


def _database(name: str) -> str:
    return _address(name, lambda url: checked(url, *POSTGRES))


def _port(name: str) -> str:
    """Return a port's number; nothing for 0, as the processes' own setting has it."""
    told = _told(name) or "0"
    digits = told.isascii() and told.isdecimal() and len(told) <= MOST_DIGITS
    if not digits or int(told) > LARGEST_PORT:
        raise CannotOperate(
            f"{name.upper()} must be a port's number, 0 to {LARGEST_PORT}, or nothing."
        )
    return told if int(told) else ""


def _at_port(url: str, port: str) -> str:
    """Return where the process tells of its health: not always where it serves."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"{parts.hostname}:{port}").geturl() if port else url


def _missing(name: str) -> str:
    raise CannotOperate(f"{name.upper()} is not set; see docs/operating/README.md.")


def _from_environment() -> Targets:
    shared = _database("audit_url")
    processes = {
        name: _address(f"{name}_url", http_url) for name in (*SERVICES, "gateway")
    }
    observed = _port("observe_port")
    blobs, backups = _told("blobs_dir"), _told("backups_dir")
    return Targets(
        owners={name: _database(f"{name}_owner_database_url") for name in SERVICES},
        auditors={name: _database(f"{name}_audit_url") or shared for name in SERVICES},
        amqp_url=_address("amqp_url", lambda url: checked(url, *AMQP)),
        admin_url=_database("database_admin_url"),
        processes={
            name: _at_port(url.rstrip("/"), observed)
            for name, url in processes.items()
            if url
        },
        blobs=Path(blobs) if blobs else None,
        backups=Path(backups) if backups else None,
    )


def _from_folder(data: DataFolder, servers: Awake) -> Targets:
    addresses = servers.addresses
    urls = addresses.databases
    processes = {name: addresses.service_url(name) for name in SERVICES}
    return Targets(
        owners={name: urls[owner_of(name)] for name in SERVICES},
        auditors=dict.fromkeys(SERVICES, urls[AUDITOR]),
        amqp_url=addresses.amqp_url,
        admin_url=servers.admin_url,
        processes=processes | {"gateway": addresses.gateway_url},
        blobs=data.blobs,
        backups=Path(_told("backups_dir") or data.path / "backups"),
        wake_broker=servers.wake_broker,
    )
