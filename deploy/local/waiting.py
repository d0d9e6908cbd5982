"""Waiting for something to become true, with a bound."""

import asyncio
import time
from collections.abc import Callable

POLL_SECONDS = 0.01


async def poll(
    condition: Callable[[], bool], *, within: float, every: float = POLL_SECONDS
) -> bool:
    """Wait until `condition` holds; return whether it did within the time."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(every)
    return True
