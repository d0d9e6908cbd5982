"""Waiting for what an event on its way will bring, so that clients read their writes.

Every request that finds nothing waits alike, whether the id is foreign or unknown; it
stops as soon as the producer's watermark says that no older event is still travelling.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar

from chassis.db import Database, Transaction
from chassis.errors import Unavailable

T = TypeVar("T")

WAIT_SECONDS = 2.0
#: Between looks; most events arrive within the first few.
FIRST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 0.1
#: More requests than this don't wait: their looks would crowd out all others.
MAXIMUM_WAITERS = 64
#: Nor more than this of one caller, who would else keep all others from waiting.
MAXIMUM_OF_ONE = 8

Find = Callable[[Transaction], Awaitable[T | None]]


class Lagging(Unavailable):
    """What this refers to may still be on its way; try again shortly."""


class WaitingRoom:
    """Bounds how many requests wait at once: of one process, and of one caller."""

    def __init__(
        self, capacity: int = MAXIMUM_WAITERS, of_one: int = MAXIMUM_OF_ONE
    ) -> None:
        self._capacity = capacity
        self._of_one = of_one
        #: By caller; who waits for nothing isn't in it.
        self._waiting = Counter[str]()

    async def wait_for(
        self,
        database: Database,
        find: Find[T],
        *,
        of: str,
        since: datetime,
        caller: str,
    ) -> T | None:
        """Return what `find` finds, or None once `of` has told all up to `since`."""
        found, complete = await _look(database, find, of=of, since=since)
        if found is not None or complete:
            return found
        with self._place(caller):
            return await _poll(database, find, of=of, since=since)

    @contextmanager
    def _place(self, caller: str) -> Generator[None]:
        is_full = self._waiting.total() >= self._capacity
        if is_full or self._waiting[caller] >= self._of_one:
            raise Lagging
        self._waiting[caller] += 1
        try:
            yield
        finally:
            self._waiting[caller] -= 1
            if not self._waiting[caller]:
                del self._waiting[caller]


async def _poll(
    database: Database, find: Find[T], *, of: str, since: datetime
) -> T | None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + WAIT_SECONDS
    pause = FIRST_PAUSE_SECONDS
    while loop.time() < deadline:
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
        found, complete = await _look(database, find, of=of, since=since)
        if found is not None or complete:
            return found
    raise Lagging


async def _look(
    database: Database, find: Find[T], *, of: str, since: datetime
) -> tuple[T | None, bool]:
    # The watermark first: what arrived before it is then sure to be seen by `find`.
    async with database.reading() as tx:
        complete = await tx.fetchval(
            "SELECT at > $2 FROM watermarks WHERE producer = $1", of, since
        )
        return await find(tx), bool(complete)
