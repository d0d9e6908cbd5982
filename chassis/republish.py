"""Republishing: the owner sends its objects' current state, to rebuild readers."""

from collections.abc import Callable
from uuid import UUID

from chassis.context import Cause, because_of
from chassis.db import Database
from chassis.definition import Republisher
from chassis.ids import uuid7

CHUNK = 500


async def republish(
    database: Database,
    republisher: Republisher,
    told: Callable[[int], None] | None = None,
    *,
    run: str | None = None,
) -> int:
    """Put every object's state into the outbox, marked so; return how many.

    `told` is called after each chunk with how many there were so far; `run` is the
    correlation id that the events get, for who wants to know them again.
    """
    count = 0
    after: UUID | None = None
    run_id = run or str(uuid7())
    with because_of(Cause(run_id, run_id, "system:republish")):
        while True:
            async with database.transaction() as tx:
                events = await republisher(tx, after, CHUNK)
                await tx.republish(events)
            if not events:
                return count
            count += len(events)
            if told is not None:
                told(count)
            after = events[-1].subject
