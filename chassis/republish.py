"""Republishing: the owner sends its objects' current state, to rebuild readers."""

from uuid import UUID

from chassis.context import Cause, because_of
from chassis.db import Database
from chassis.definition import Republisher
from chassis.ids import uuid7

CHUNK = 500


async def republish(database: Database, republisher: Republisher) -> int:
    """Put every object's state into the outbox, marked so; return how many."""
    count = 0
    after: UUID | None = None
    run_id = str(uuid7())
    with because_of(Cause(run_id, run_id, "system:republish")):
        while True:
            async with database.transaction() as tx:
                events = await republisher(tx, after, CHUNK)
                await tx.republish(events)
            if not events:
                return count
            count += len(events)
            after = events[-1].subject
