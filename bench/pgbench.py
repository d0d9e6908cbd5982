"""pgbench as a limit: it repeats, in C, the statements of recorded transactions.

Transactions are recorded through a connection that notes all it is asked for. Where all
recordings have the same argument, the script has it as a literal; the others come from
a table, which a first statement reads. pgbench knows no COPY: it inserts such rows.
"""

import asyncio
import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import asyncpg

from deploy.local.postgres import SYSTEM_FOLDERS
from tests.support.databases import ServiceDatabase

TIMEOUT_SECONDS = 300
#: What pgbench would take for a variable of its own.
_LIKE_A_VARIABLE = re.compile(r":[A-Za-z_]")
_TPS = re.compile(r"tps = ([\d.]+) \(without initial connection time\)")

_ARGUMENTS_OF_ONE = "SELECT {columns} FROM replay WHERE n = :n \\gset\n"
_NEXT = "\\set n :client_id * {each} + :i\n\\set i :i + 1\n"


@dataclass(frozen=True)
class Statement:
    """What was sent once."""

    sql: str
    arguments: tuple[str | None, ...]


@dataclass
class Recorder:
    """A connection that notes each statement and passes it on."""

    connection: asyncpg.Connection
    statements: list[Statement] = field(default_factory=list[Statement])

    async def fetch(self, sql: str, *args: object) -> list[asyncpg.Record]:
        self._note(sql, args)
        return await self.connection.fetch(sql, *args)

    async def fetchrow(self, sql: str, *args: object) -> asyncpg.Record | None:
        self._note(sql, args)
        return await self.connection.fetchrow(sql, *args)

    async def fetchval(self, sql: str, *args: object) -> Any:
        self._note(sql, args)
        return await self.connection.fetchval(sql, *args)

    async def execute(self, sql: str, *args: object) -> str:
        self._note(sql, args)
        return await self.connection.execute(sql, *args)

    async def copy_records_to_table(
        self, table: str, *, records: Sequence[Sequence[object]], columns: Sequence[str]
    ) -> str:
        for row in records:
            places = ", ".join(f"${number}" for number in range(1, len(row) + 1))
            into = f"{table} ({', '.join(columns)})"
            self._note(f"INSERT INTO {into} VALUES ({places})", row)  # noqa: S608 - our own names
        return await self.connection.copy_records_to_table(
            table, records=records, columns=columns
        )

    def _note(self, sql: str, args: Iterable[object]) -> None:
        self.statements.append(Statement(sql, tuple(map(_text, args))))


@dataclass(frozen=True)
class Replay:
    """Recorded transactions as one script, and the arguments in which they differ."""

    statements: str
    columns: Mapping[tuple[str | None, ...], str]

    @classmethod
    def of(cls, recordings: Sequence[Sequence[Statement]]) -> "Replay":
        shapes = {tuple(s.sql for s in recording) for recording in recordings}
        if len(shapes) != 1:
            raise RuntimeError(f"transactions of {len(shapes)} shapes were recorded")
        columns: dict[tuple[str | None, ...], str] = {}
        lines = [
            _filled(sql, [_placed(column, columns) for column in arguments])
            for sql, arguments in zip(*shapes, _arguments(recordings), strict=True)
        ]
        return cls("".join(f"{line};\n" for line in ("BEGIN", *lines, "END")), columns)

    async def load(self, database: ServiceDatabase) -> None:
        """Put the arguments where the script reads them."""
        admin = await asyncpg.connect(database.admin_url)
        await admin.execute(f"SET search_path = {database.service}")
        await admin.execute("DROP TABLE IF EXISTS replay")
        names = ", ".join(f"{name} text" for name in self.columns.values())
        await admin.execute(f"CREATE TABLE replay (n integer PRIMARY KEY, {names})")
        await admin.execute("GRANT SELECT ON replay TO PUBLIC")
        rows = zip(*self.columns, strict=True)
        await admin.copy_records_to_table(
            "replay", records=[(n, *row) for n, row in enumerate(rows)]
        )
        await admin.execute("VACUUM ANALYZE")
        await admin.execute("CHECKPOINT")
        await admin.close()

    async def rate(
        self, database: ServiceDatabase, *, clients: int, each: int
    ) -> float:
        """Return how many transactions a second pgbench does, for good."""
        read = _NEXT.format(each=each) + _ARGUMENTS_OF_ONE.format(
            columns=", ".join(self.columns.values())
        )
        reading = await _run(database, read, clients=clients, each=each)
        doing = await _run(database, read + self.statements, clients=clients, each=each)
        return 1 / (1 / doing - 1 / reading)


def _arguments(
    recordings: Sequence[Sequence[Statement]],
) -> list[list[tuple[str | None, ...]]]:
    """Return, for each argument of each statement, its values in all recordings."""
    return [
        list(zip(*(statement.arguments for statement in same), strict=True))
        for same in zip(*recordings, strict=True)
    ]


def _placed(
    values: tuple[str | None, ...], columns: dict[tuple[str | None, ...], str]
) -> str:
    """Return what stands for an argument: a literal, or a variable."""
    value = values[0]
    if len(set(values)) == 1 and not _LIKE_A_VARIABLE.search(value or ""):
        return "NULL" if value is None else "'" + value.replace("'", "''") + "'"
    if None in values:
        raise RuntimeError("pgbench has no variables that may be NULL")
    return ":" + columns.setdefault(values, f"v{len(columns)}")


def _filled(sql: str, arguments: Sequence[str]) -> str:
    return re.sub(r"\$(\d+)", lambda place: arguments[int(place[1]) - 1], sql.strip())


async def _run(
    database: ServiceDatabase, script: str, *, clients: int, each: int
) -> float:
    with TemporaryDirectory(prefix="clientarea-bench-") as folder:
        file = Path(folder) / "script.sql"
        file.write_text(script)
        process = await asyncio.create_subprocess_exec(
            *(_program(), "-n", "-M", "prepared", "-f", file, "-D", "i=0"),
            # One thread, as we are one process.
            *("-c", str(clients), "-j", "1", "-t", str(each), database.admin_url),
            env={**os.environ, "PGOPTIONS": _options(database)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(TIMEOUT_SECONDS):
            output, errors = await process.communicate()
    found = _TPS.search(output.decode())
    if process.returncode or found is None:
        raise RuntimeError(errors.decode()[-2000:])
    return float(found[1])


def _options(database: ServiceDatabase) -> str:
    return f"-c role={database.service} -c search_path={database.service},public"


def _program() -> str:
    folders = [str(f) for p in SYSTEM_FOLDERS for f in Path("/").glob(p.lstrip("/"))]
    found = shutil.which(
        "pgbench", path=os.pathsep.join([*folders, os.environ["PATH"]])
    )
    if found is None:
        raise RuntimeError(
            "pgbench is not installed: it comes with the Postgres server"
        )
    return found


def _text(value: object) -> str | None:
    """Return an argument as Postgres reads it in text."""
    if value is None or isinstance(value, str):
        return None if value is None else str(value)
    if isinstance(value, dict):
        return json.dumps(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return "{" + ",".join(map(_element, value)) + "}"  # pyright: ignore[reportUnknownArgumentType] - any list
    return str(value)


def _element(value: object) -> str:
    text = _text(value)
    if text is None:
        return "NULL"
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
