"""The sandbox's business clock: kept in a table, followed by every process."""

import asyncio
from contextlib import suppress
from datetime import timedelta

from chassis.clock import Clock
from chassis.db import Database, Transaction
from chassis.errors import Unavailable

REFRESH_SECONDS = 0.25


async def save_shift(tx: Transaction, seconds: float) -> None:
    """Shift this process's business time from real time by so many seconds."""
    await tx.execute("UPDATE business_clock SET shift_seconds = $1", seconds)


async def refresh(clock: Clock, database: Database) -> None:
    """Take over what the table says."""
    async with database.reading() as tx:
        seconds = await tx.fetchval("SELECT shift_seconds FROM business_clock")
    clock.shift = timedelta(seconds=seconds)


async def follow(clock: Clock, database: Database) -> None:
    """Keep the clock as the table says, for as long as the process runs."""
    while True:
        # While the database is away, the clock stays as it is.
        with suppress(Unavailable):
            await refresh(clock, database)
        await asyncio.sleep(REFRESH_SECONDS)
