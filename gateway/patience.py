"""How long whoever waits still has: the calls of a page share one time for all."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

#: What is asked when the time is up has so long: enough to show what was typed.
LAST_SECONDS = 1.0

_until: ContextVar[float] = ContextVar("until", default=float("inf"))


@contextmanager
def patience(seconds: float) -> Generator[None]:
    """Let the calls within the block end in so many seconds from now, or earlier."""
    until = asyncio.get_running_loop().time() + seconds
    outer = _until.set(min(until, _until.get()))
    try:
        yield
    finally:
        _until.reset(outer)


def seconds_left(most: float) -> float:
    """Return how long a call may take that would have `most` seconds by itself."""
    left = _until.get() - asyncio.get_running_loop().time()
    return min(most, max(left, LAST_SECONDS))
