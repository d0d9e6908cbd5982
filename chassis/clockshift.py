"""The sandbox's business clock: kept in a table, followed by every process."""

import asyncio
from contextlib import suppress
from datetime import timedelta

from chassis.clock import Clock
from chassis.db import Database, Transaction
from chassis.errors import Unavailable

REFRESH_SECONDS = 0.25


async def move(tx: Transaction, seconds: float) -> int:
    """Shift business time from real time; return the version of this move."""
    return await tx.fetchval(
        """
        UPDATE business_clock SET shift_seconds = $1, version = version + 1
        RETURNING version
        """,
        seconds,
    )


async def save_shift(tx: Transaction, seconds: float, *, version: int) -> None:
    """Take over a move that another process told of, unless a later one came first."""
    await tx.execute(
        """
        UPDATE business_clock SET shift_seconds = $1, version = $2 WHERE version < $2
        """,
        seconds,
        version,
    )


async def refresh(clock: Clock, database: Database) -> None:
    """Take over what the table says."""
    seconds = await database.fetchval("SELECT shift_seconds FROM business_clock")
    clock.shift = timedelta(seconds=seconds)


async def follow(clock: Clock, database: Database) -> None:
    """Keep the clock as the table says, for as long as the process runs."""
    while True:
        # While the database is away, the clock stays as it is.
        with suppress(Unavailable):
            await refresh(clock, database)
        await asyncio.sleep(REFRESH_SECONDS)
