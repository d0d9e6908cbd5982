"""A transaction as commands see it: statements to run, events to announce."""

from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, LiteralString, TypeAlias

import asyncpg

from chassis import outbox
from chassis.db.troubles import is_lost, translated
from chassis.events import Event

Record: TypeAlias = asyncpg.Record


class Transaction:
    """An open transaction; commands receive it and never open their own."""

    def __init__(self, connection: asyncpg.Connection, source: str) -> None:
        self._connection = connection
        self._source = source
        self.emitted = False

    async def fetch(self, sql: LiteralString, *args: object) -> list[Record]:
        with translated(self._connection):
            return await self._connection.fetch(sql, *args)

    async def fetchrow(self, sql: LiteralString, *args: object) -> Record | None:
        with translated(self._connection):
            return await self._connection.fetchrow(sql, *args)

    async def fetchval(self, sql: LiteralString, *args: object) -> Any:
        with translated(self._connection):
            return await self._connection.fetchval(sql, *args)

    async def execute(self, sql: LiteralString, *args: object) -> int:
        """Run the statement and return how many rows it affected."""
        with translated(self._connection):
            status = await self._connection.execute(sql, *args)
        count = status.rpartition(" ")[2]
        return int(count) if count.isdecimal() else 0

    async def executemany(
        self, sql: LiteralString, rows: Iterable[Sequence[object]]
    ) -> None:
        with translated(self._connection):
            await self._connection.executemany(sql, rows)

    async def copy(
        self,
        table: LiteralString,
        columns: Sequence[str],
        rows: Iterable[Sequence[object]],
    ) -> None:
        """Insert the rows by COPY: the fastest way in for many."""
        records = [tuple(row) for row in rows]
        with translated(self._connection):
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
        return block(self._connection)

    @asynccontextmanager
    async def listening(
        self, channel: LiteralString, wake: Callable[..., None]
    ) -> AsyncGenerator[None]:
        """Call `wake` at each NOTIFY, and when the connection ends; for `reading()`."""
        with translated(self._connection):
            await self._connection.add_listener(channel, wake)
            self._connection.add_termination_listener(wake)
        try:
            yield
        finally:
            # It would go on listening, and to ask it to stop may fail.
            if not is_lost(self._connection):
                self._connection.terminate()

    async def _insert_events(
        self, events: Sequence[Event], *, republished: bool
    ) -> None:
        if events:
            columns = outbox.columns_of(events, self._source, republished=republished)
            await self.execute(outbox.INSERT_MANY, *columns)
            self.emitted = True


@asynccontextmanager
async def block(connection: asyncpg.Connection) -> AsyncGenerator[None]:
    """Open a transaction, or a savepoint in one; only our own talk is translated."""
    transaction = connection.transaction()
    with translated(connection):
        await transaction.start()
    try:
        yield
    except BaseException:
        if not is_lost(connection):
            await transaction.rollback()
        raise
    with translated(connection):
        await transaction.commit()
