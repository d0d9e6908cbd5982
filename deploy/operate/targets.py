"""Where everything is: told by the environment, or by the data folder of `make run`."""

import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from deploy.local.datafolder import DataFolder
from deploy.local.environments import ADDRESSES, SERVICES, Addresses
from deploy.local.postgres import PrivatePostgres
from deploy.operate.faults import CannotOperate
from deploy.postgres.bootstrap import AUDITOR, owner_of


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
    """Yield where everything is; starts the Postgres of a `make run` that is stopped.

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
            "Nothing says where the Client Area is: set CLIENTAREA_DATA to the folder"
            " of a `make run`, or the variables named in docs/operating/README.md."
        )
    async with _served(data, addresses) as admin_url:
        yield _from_folder(data, addresses, admin_url)


def place(url: str) -> str:
    """Name a database, without its secrets: `host:port/database`."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 5432}/{unquote(parts.path.strip('/'))}"


def _told(name: str) -> str:
    """Return a variable, or the file of that name in SECRETS_DIR; else nothing."""
    if given := os.environ.get(name.upper()):
        return given
    folder = os.environ.get("SECRETS_DIR")
    path = Path(folder) / name if folder else None
    return path.read_text("utf-8").strip() if path and path.exists() else ""


def _at_port(url: str, port: str) -> str:
    """Return where the process tells of its health: not always where it serves."""
    parts = urlsplit(url)
    return parts._replace(netloc=f"{parts.hostname}:{port}").geturl() if port else url


def _missing(name: str) -> str:
    raise CannotOperate(f"{name.upper()} is not set; see docs/operating/README.md.")


def _from_environment() -> Targets:
    shared = _told("audit_url")
    processes = {name: _told(f"{name}_url") for name in (*SERVICES, "gateway")}
    observed = _told("observe_port")
    blobs, backups = _told("blobs_dir"), _told("backups_dir")
    return Targets(
        owners={name: _told(f"{name}_owner_database_url") for name in SERVICES},
        auditors={name: _told(f"{name}_audit_url") or shared for name in SERVICES},
        amqp_url=_told("amqp_url"),
        admin_url=_told("database_admin_url"),
        processes={
            name: _at_port(url.rstrip("/"), observed)
            for name, url in processes.items()
            if url
        },
        blobs=Path(blobs) if blobs else None,
        backups=Path(backups) if backups else None,
    )


def _from_folder(data: DataFolder, addresses: Addresses, admin_url: str) -> Targets:
    urls = addresses.databases
    processes = {name: addresses.service_url(name) for name in SERVICES}
    return Targets(
        owners={name: urls[owner_of(name)] for name in SERVICES},
        auditors=dict.fromkeys(SERVICES, urls[AUDITOR]),
        amqp_url=addresses.amqp_url,
        admin_url=admin_url,
        processes=processes | {"gateway": addresses.gateway_url},
        blobs=data.blobs,
        backups=Path(_told("backups_dir") or data.path / "backups"),
    )


@asynccontextmanager
async def _served(data: DataFolder, addresses: Addresses) -> AsyncGenerator[str]:
    """Yield the superuser's URL; start the folder's Postgres where nobody has."""
    if given := os.environ.get("DATABASE_ADMIN_URL"):
        yield given
        return
    port = urlsplit(addresses.databases[AUDITOR]).port or 0
    server = PrivatePostgres(data.path / "postgres", port)
    if data.is_held:
        yield server.url
        return
    with data.held():
        await server.start()
        try:
            yield server.url
        finally:
            await server.stop()
