"""Waiting for what happens elsewhere: by asking, again and again, within a bound."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

#: Far more than it takes, as the machine may be busy with others.
QUIET_SECONDS = 60


async def until(ask: Callable[[], Awaitable[T]], *, within: float = QUIET_SECONDS) -> T:
    """Ask until the answer is true, and return it; raise TimeoutError at the bound."""
    async with asyncio.timeout(within):
        while not (answer := await ask()):
            await asyncio.sleep(0.02)
        return answer
