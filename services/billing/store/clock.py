"""The moves of the sandbox's clock, in their order."""

from chassis.db import Transaction


async def next_version(tx: Transaction) -> int:
    """Return a higher version than any move before had."""
    return await tx.fetchval("SELECT nextval('clock_versions')")
