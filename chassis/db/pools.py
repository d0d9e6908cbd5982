"""One process's connections to Postgres, and their limits in time."""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Any, Literal, LiteralString, TypeAlias, cast

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from pydantic_core import from_json, to_json

from chassis import metrics, tracing
from chassis.db.transactions import Transaction, block
from chassis.db.troubles import DatabaseAway, DatabaseRefuses, away_by, translated

ACQUIRE_SECONDS = 2.0
CONNECT_SECONDS = 5.0
#: What serves people is quick; who looks at everything at once is given longer.
STATEMENT_SECONDS = 5
#: Beyond the server's own statement timeout: only a silent server takes so long.
COMMAND_SLACK_SECONDS = 5.0
SERVER_TIMEOUTS = {
    "lock_timeout": "2s",
    "idle_in_transaction_session_timeout": "15s",
}

READ_ONLY = {"default_transaction_read_only": "on"}

_PoolName: TypeAlias = Literal["write", "read"]
#: Looked up once: it is measured with every statement that is asked.
_WAITS: Mapping[_PoolName, metrics.Histogram] = {
    "write": metrics.acquire_seconds.labels("write"),
    "read": metrics.acquire_seconds.labels("read"),
}
for _name in _WAITS:
    metrics.expect(metrics.acquire_failures, _name)


class Database:
    """One process's connections to its own schema; the readers can't write."""

    def __init__(self, pool: asyncpg.Pool, readers: asyncpg.Pool, source: str) -> None:
        self._pool = pool
        self._readers = readers
        self._source = source
        #: Called after each commit that put events into the outbox.
        self.on_emitted: Callable[[], None] = _nothing

    @property
    def source(self) -> str:
        """The schema, which is the process's name too."""
        return self._source

    @property
    def pool(self) -> asyncpg.Pool:
        return self._pool

    @property
    def readers(self) -> asyncpg.Pool:
        return self._readers

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Transaction]:
        """Open a READ COMMITTED transaction; it commits if the block succeeds."""
        async with _acquired(self._pool, "write") as connection:
            tx = Transaction(connection, self._source)
            async with block(connection):
                yield tx
        if tx.emitted:
            self.on_emitted()

    @asynccontextmanager
    async def reading(self) -> AsyncGenerator[Transaction]:
        """Read through a connection that can't write.

        Each statement is a transaction of its own: READ COMMITTED would show it no
        less and no more than one around them all, which costs two more round trips.
        """
        async with _acquired(self._readers, "read") as connection:
            yield Transaction(connection, self._source)

    async def fetchval(self, sql: LiteralString, *args: object) -> Any:
        """Read one value in one round trip, for what is asked over and over."""
        async with _acquired(self._readers, "read") as connection:
            with translated(connection):
                return await connection.fetchval(sql, *args)

    async def execute(self, sql: LiteralString, *args: object) -> None:
        """Write with one statement, a transaction of its own, in one round trip."""
        async with _acquired(self._pool, "write") as connection:
            with translated(connection):
                await connection.execute(sql, *args)


async def knock(url: str) -> str | None:
    """Try to connect; return why the server can't be reached now, None if it can.

    Raises DatabaseRefuses for what waiting won't mend.
    """
    try:
        connection = await asyncpg.connect(url, timeout=CONNECT_SECONDS)
    except (
        asyncpg.InvalidAuthorizationSpecificationError,
        asyncpg.InvalidCatalogNameError,
        asyncpg.InsufficientPrivilegeError,
        ValueError,  # asyncpg's own, for a URL that it can't read
    ) as refused:
        raise DatabaseRefuses(str(refused)) from refused
    except (asyncpg.PostgresError, OSError, TimeoutError) as away:
        return str(away) or type(away).__name__
    await connection.close(timeout=CONNECT_SECONDS)
    return None


@asynccontextmanager
async def open_database(
    url: str,
    *,
    schema: str,
    pool_size: int = 10,
    statement_seconds: int | None = None,
) -> AsyncGenerator[Database]:
    """Open the pools; the server may be away, connections are made when needed.

    A statement may take STATEMENT_SECONDS, unless `statement_seconds` says otherwise.
    """
    if statement_seconds is None:
        statement_seconds = STATEMENT_SECONDS
    settings = _server_settings(schema, statement_seconds)
    command_seconds = statement_seconds + COMMAND_SLACK_SECONDS
    async with (
        _pool(url, pool_size, settings, command_seconds) as pool,
        _pool(url, pool_size, settings | READ_ONLY, command_seconds) as readers,
    ):
        yield Database(pool, readers, schema)


def _server_settings(schema: str, statement_seconds: int) -> dict[str, str]:
    """Return what every connection of a process sets."""
    return {
        "application_name": schema,
        "search_path": f"{schema}, public",
        "timezone": "UTC",
        "statement_timeout": f"{statement_seconds}s",
        **SERVER_TIMEOUTS,
    }


async def set_codecs(connection: asyncpg.Connection) -> None:
    """Make jsonb columns read and write Python objects, in COPY too."""
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: b"\x01" + to_json(value),
        decoder=lambda value: from_json(value[1:]),
        format="binary",
    )


def _pool(
    url: str, size: int, settings: dict[str, str], command_seconds: float
) -> asyncpg.Pool:
    return asyncpg.create_pool(
        url,
        min_size=0,
        max_size=size,
        timeout=CONNECT_SECONDS,
        command_timeout=command_seconds,
        connection_class=_connection_class(),
        init=set_codecs,
        # Nothing of ours outlives its transaction, so there is nothing to reset.
        reset=_keep,
        server_settings=settings,
    )


def _connection_class() -> type[asyncpg.Connection]:
    if tracing.recorder() is None:
        return asyncpg.Connection
    from chassis.sqlspans import TracedConnection  # noqa: PLC0415 - seldom needed

    return TracedConnection


@asynccontextmanager
async def _acquired(
    pool: asyncpg.Pool, name: _PoolName
) -> AsyncGenerator[asyncpg.Connection]:
    began = perf_counter()
    try:
        proxy = await _acquire(pool)
    except DatabaseAway:
        metrics.acquire_failures.labels(name).inc()
        raise
    _WAITS[name].observe(perf_counter() - began)
    # The stubs tell a pooled connection from a plain one; their faces are equal.
    try:
        yield cast("asyncpg.Connection", proxy)
    finally:
        await pool.release(proxy)


async def _acquire(pool: asyncpg.Pool) -> PoolConnectionProxy:
    try:
        return await pool.acquire(timeout=ACQUIRE_SECONDS)
    except TimeoutError:
        raise DatabaseAway("no database connection is free") from None
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as away:
        raise away_by(away) from away


async def _keep(connection: asyncpg.Connection) -> None:
    """Hand a connection back as it is."""
    del connection


def _nothing() -> None:
    pass
