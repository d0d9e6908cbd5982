"""Accounts' timed work: what is over is removed after its time."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from chassis.db import Transaction
from chassis.jobs import JobRun, Jobs
from services.accounts.domain.sessions import SessionKind
from services.accounts.settings import SETTINGS
from services.accounts.store import limits, links, sessions

jobs = Jobs()

BATCH = 1000


@jobs.every(seconds=3600)
async def remove_what_is_over(run: JobRun) -> None:
    """Remove old sessions, used tokens, answered links and forgotten attempts."""
    settings, now = run.resources[SETTINGS], run.clock.now()
    before = now - timedelta(days=settings.keep_ended_days)
    used_before = now - settings.lifetimes[SessionKind.APP].idle
    await _in_batches(
        run, lambda tx: sessions.delete_old_sessions(tx, before=before, limit=BATCH)
    )
    await _in_batches(
        run, lambda tx: sessions.delete_used_tokens(tx, before=used_before, limit=BATCH)
    )
    await _in_batches(
        run, lambda tx: links.delete_old_link_requests(tx, before=before, limit=BATCH)
    )
    await _in_batches(
        run, lambda tx: limits.delete_forgotten_attempts(tx, now=now, limit=BATCH)
    )


async def _in_batches(
    run: JobRun, delete: Callable[[Transaction], Awaitable[int]]
) -> None:
    """Delete a batch in each transaction until one comes back short."""
    deleted = BATCH
    while deleted == BATCH:
        async with run.db.transaction() as tx:
            deleted = await delete(tx)
