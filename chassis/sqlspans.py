"""Connections whose statements are spans: used only where spans are recorded.

Statements are literals, so their text holds no values; the arguments, which do, stay
out. What runs for nobody in particular, such as the relay's looking, is left out too.
"""

import re
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import asyncpg

from chassis.context import current_cause
from chassis.tracing import Attributes, recorder

MAXIMUM_TEXT = 2000

_TABLE = re.compile(r"\b(?:FROM|INTO|UPDATE|TABLE)\s+(?!unnest|due\b)(\w+)")


class TracedConnection(asyncpg.Connection):
    """asyncpg's, each call a span of the cause in force."""

    async def fetch(self, query: str, *args: Any, **options: Any) -> list[Any]:
        with _statement(query):
            return await super().fetch(query, *args, **options)

    async def fetchrow(self, query: str, *args: Any, **options: Any) -> Any:
        with _statement(query):
            return await super().fetchrow(query, *args, **options)

    async def fetchval(self, query: str, *args: Any, **options: Any) -> Any:
        with _statement(query):
            return await super().fetchval(query, *args, **options)

    async def execute(self, query: str, *args: Any, **options: Any) -> str:
        with _statement(query):
            return await super().execute(query, *args, **options)

    async def executemany(
        self, command: str, args: Iterable[Any], **options: Any
    ) -> None:
        with _statement(command):
            await super().executemany(command, args, **options)

    async def copy_records_to_table(self, table_name: str, **options: Any) -> str:
        with _statement(f"COPY INTO {table_name}"):
            return await super().copy_records_to_table(table_name, **options)


@contextmanager
def _statement(sql: str) -> Generator[None]:
    recording = recorder()
    if recording is None or current_cause().traceparent is None:
        yield
        return
    name, attributes = _described(sql)
    with recording.detail(name, "client", attributes):
        yield


@lru_cache(maxsize=1024)
def _described(sql: str) -> tuple[str, Attributes]:
    """Return what to call a statement, and its text on one line."""
    text = " ".join(sql.split())
    table = _TABLE.search(text)
    operation = text.partition(" ")[0].rstrip(";") or "SQL"
    attributes = {
        "db.system.name": "postgresql",
        "db.operation.name": operation,
        "db.query.text": text[:MAXIMUM_TEXT],
    }
    return f"{operation} {table[1]}" if table else operation, attributes
