"""Tickets' timed work."""

from datetime import datetime, timedelta

from chassis.jobs import JobRun, Jobs
from chassis.resources import BLOBS
from services.tickets.store import attachments as store

jobs = Jobs()

#: An upload that isn't sent within this time is removed.
KEEP_UNSENT = timedelta(days=1)
BATCH = 100


@jobs.every(seconds=3600)
async def remove_unsent_attachments(run: JobRun) -> None:
    """Remove uploads that were never sent, bytes and rows.

    A row goes last: whatever interrupts this, it still tells which bytes must go.
    """
    before = run.clock.now() - KEEP_UNSENT
    while await _remove_some(run, before) == BATCH:
        pass


async def _remove_some(run: JobRun, before: datetime) -> int:
    async with run.db.transaction() as tx:
        await store.discard_unsent(tx, before=before, limit=BATCH)
        discarded = await store.list_discarded(tx, limit=BATCH)
    for attachment_id in discarded:
        await run.resources[BLOBS].delete(str(attachment_id))
    async with run.db.transaction() as tx:
        await store.delete_attachments(tx, discarded)
    return len(discarded)
