"""The sandbox's business clock: kept in a table, followed by every process."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Final, LiteralString

from chassis.bus import sleep_unless
from chassis.clock import Clock
from chassis.db import Database, Transaction
from chassis.errors import Unavailable

#: A notice wakes sooner, and so does the end of the connection that it comes by.
REFRESH_SECONDS = 5.0
AWAY_PAUSE_SECONDS = 0.5
#: Moves are rare: what a notice costs a commit is no matter here.
_MOVED: Final[LiteralString] = "business_clock"


async def move(tx: Transaction, seconds: float) -> int:
    """Shift business time from real time; return the version of this move."""
    await _notify(tx)
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
    await _notify(tx)


async def refresh(clock: Clock, database: Database | Transaction) -> None:
    """Take over what the table says."""
    before = clock.shift
    seconds = await database.fetchval("SELECT shift_seconds FROM business_clock")
    # Moved by this very process meanwhile, it is newer than what was read.
    if clock.shift == before:
        clock.shift = timedelta(seconds=seconds)


async def follow(clock: Clock, database: Database) -> None:
    """Keep the clock as the table says, for as long as the process runs."""
    while True:
        # While the database is away, the clock stays as it is.
        with suppress(Unavailable):
            async with database.reading() as tx:
                await _follow_by(tx, clock)
        await asyncio.sleep(AWAY_PAUSE_SECONDS)


async def _follow_by(tx: Transaction, clock: Clock) -> None:
    """Follow until the connection is lost, and any notice with it."""
    moved = asyncio.Event()

    def wake(*_notice: object) -> None:
        moved.set()

    async with tx.listening(_MOVED, wake):
        while True:
            moved.clear()
            await refresh(clock, tx)
            await sleep_unless(moved, REFRESH_SECONDS)


async def _notify(tx: Transaction) -> None:
    """Wake every follower, of any replica, once this transaction is committed."""
    await tx.execute("SELECT pg_notify($1, '')", _MOVED)
