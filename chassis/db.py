"""Postgres: transactions and the pool; the only module that speaks asyncpg."""

from collections.abc import (
    AsyncGenerator,
    Callable,
    Generator,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from time import perf_counter
from typing import Any, Literal, LiteralString, TypeAlias, cast

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from pydantic_core import from_json, to_json

from chassis import metrics, outbox, tracing
from chassis.errors import DomainError, Unavailable
from chassis.events import Event

Record: TypeAlias = asyncpg.Record

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


class DatabaseBusy(Unavailable):
    """The database is too busy right now; try again shortly."""


class DatabaseAway(Unavailable):
    """The database can't be reached right now; try again shortly.

    Nothing was done: whoever can wait may simply try again.
    """


class DatabaseRefuses(RuntimeError):
    """The server is there and won't let us in: a role, password or name is wrong."""


class Transaction:
    """An open transaction; commands receive it and never open their own."""

    def __init__(self, connection: asyncpg.Connection, source: str) -> None:
        self._connection = connection
        self._source = source
        self.emitted = False

    async def fetch(self, sql: LiteralString, *args: object) -> list[Record]:
        with _translated(self._connection):
            return await self._connection.fetch(sql, *args)

    async def fetchrow(self, sql: LiteralString, *args: object) -> Record | None:
        with _translated(self._connection):
            return await self._connection.fetchrow(sql, *args)

    async def fetchval(self, sql: LiteralString, *args: object) -> Any:
        with _translated(self._connection):
            return await self._connection.fetchval(sql, *args)

    async def execute(self, sql: LiteralString, *args: object) -> int:
        """Run the statement and return how many rows it affected."""
        with _translated(self._connection):
            status = await self._connection.execute(sql, *args)
        count = status.rpartition(" ")[2]
        return int(count) if count.isdecimal() else 0

    async def executemany(
        self, sql: LiteralString, rows: Iterable[Sequence[object]]
    ) -> None:
        with _translated(self._connection):
            await self._connection.executemany(sql, rows)

    async def copy(
        self,
        table: LiteralString,
        columns: Sequence[str],
        rows: Iterable[Sequence[object]],
    ) -> None:
        """Insert the rows by COPY: the fastest way in for many."""
        records = [tuple(row) for row in rows]
        with _translated(self._connection):
            await self._connection.copy_records_to_table(
                table, records=records, columns=list(columns)
            )

    async def emit(self, event: Event) -> None:
        """Announce the event when this transaction commits; the one way to publish."""
        await self.execute(outbox.INSERT, *outbox.row_of(event, self._source))
        self.emitted = True

    async def emit_many(self, events: Sequence[Event]) -> None:
        """Announce many events, with one statement."""
        await self._insert_events(events, republished=False)

    async def republish(self, events: Sequence[Event]) -> None:
        """Send known states again, marked so, for projections to be rebuilt."""
        await self._insert_events(events, republished=True)

    def savepoint(self) -> AbstractAsyncContextManager[None]:
        """Return a part of the transaction that can fail alone."""
        return _block(self._connection)

    @asynccontextmanager
    async def listening(
        self, channel: LiteralString, wake: Callable[..., None]
    ) -> AsyncGenerator[None]:
        """Call `wake` at each NOTIFY, and when the connection ends; for `reading()`."""
        with _translated(self._connection):
            await self._connection.add_listener(channel, wake)
            self._connection.add_termination_listener(wake)
        try:
            yield
        finally:
            # It would go on listening, and to ask it to stop may fail.
            if not _is_lost(self._connection):
                self._connection.terminate()

    async def _insert_events(
        self, events: Sequence[Event], *, republished: bool
    ) -> None:
        if events:
            columns = outbox.columns_of(events, self._source, republished=republished)
            await self.execute(outbox.INSERT_MANY, *columns)
            self.emitted = True


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
            async with _block(connection):
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
            with _translated(connection):
                return await connection.fetchval(sql, *args)

    async def execute(self, sql: LiteralString, *args: object) -> None:
        """Write with one statement, a transaction of its own, in one round trip."""
        async with _acquired(self._pool, "write") as connection:
            with _translated(connection):
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
    statement_seconds: int = STATEMENT_SECONDS,
) -> AsyncGenerator[Database]:
    """Open the pools; the server may be away, connections are made when needed."""
    settings = server_settings(schema, statement_seconds)
    command_seconds = statement_seconds + COMMAND_SLACK_SECONDS
    async with (
        _pool(url, pool_size, settings, command_seconds) as pool,
        _pool(url, pool_size, settings | READ_ONLY, command_seconds) as readers,
    ):
        yield Database(pool, readers, schema)


def server_settings(
    schema: str, statement_seconds: int = STATEMENT_SECONDS
) -> dict[str, str]:
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
        raise DatabaseAway from away


@contextmanager
def violations_as(**errors: DomainError) -> Generator[None]:
    """Raise the named error when the constraint of that name is violated."""
    try:
        yield
    except asyncpg.IntegrityConstraintViolationError as violation:
        error = errors.get(violation.constraint_name or "")
        if error is None:
            raise
        raise error from violation


@contextmanager
def _translated(connection: asyncpg.Connection) -> Generator[None]:
    """Turn the server's troubles into Unavailable: the caller may try again."""
    try:
        yield
    except (
        asyncpg.LockNotAvailableError,
        asyncpg.QueryCanceledError,
        asyncpg.DeadlockDetectedError,
        asyncpg.SerializationError,
        # A migration changed what a prepared statement returns; the next try is new.
        asyncpg.InvalidCachedStatementError,
        asyncpg.OutdatedSchemaCacheError,
        TimeoutError,
    ) as busy:
        raise DatabaseBusy from busy
    except (
        asyncpg.PostgresConnectionError,
        asyncpg.OperatorInterventionError,
        asyncpg.InsufficientResourcesError,
        asyncpg.IdleInTransactionSessionTimeoutError,
        ConnectionError,
    ) as away:
        raise DatabaseAway from away
    except asyncpg.InternalClientError as lost:
        # What asyncpg says when the server ended the session between statements.
        connection.terminate()
        raise DatabaseAway from lost
    except asyncpg.InterfaceError as fault:
        # The same class tells of a lost connection and of a fault in our code.
        if _is_lost(connection):
            raise DatabaseAway from fault
        raise


def _is_lost(connection: asyncpg.Connection) -> bool:
    try:
        return connection.is_closed()
    except asyncpg.InterfaceError:
        # The pool has taken it back already, which it does when one is lost.
        return True


@asynccontextmanager
async def _block(connection: asyncpg.Connection) -> AsyncGenerator[None]:
    """Open a transaction, or a savepoint in one; only our own talk is translated."""
    transaction = connection.transaction()
    with _translated(connection):
        await transaction.start()
    try:
        yield
    except BaseException:
        if not _is_lost(connection):
            await transaction.rollback()
        raise
    with _translated(connection):
        await transaction.commit()


async def _keep(connection: asyncpg.Connection) -> None:
    """Hand a connection back as it is."""
    del connection


def _nothing() -> None:
    pass
