"""Removes plumbing rows whose time has passed, in small transactions."""

from typing import LiteralString

from chassis.jobs import JobRun, Jobs
from chassis.resources import SETTINGS

CHUNK = 5000

OUTBOX: LiteralString = """
    DELETE FROM outbox WHERE seq IN (
        SELECT seq FROM outbox
        WHERE published_at < now() - make_interval(days => $1)
        LIMIT $2 FOR UPDATE SKIP LOCKED)
"""
INBOX: LiteralString = """
    DELETE FROM inbox WHERE (consumer, event_id) IN (
        SELECT consumer, event_id FROM inbox
        WHERE handled_at < now() - make_interval(days => $1)
        LIMIT $2 FOR UPDATE SKIP LOCKED)
"""
IDEMPOTENCY_KEYS: LiteralString = """
    DELETE FROM idempotency_keys WHERE (caller, method, route, key) IN (
        SELECT caller, method, route, key FROM idempotency_keys
        WHERE created_at < now() - make_interval(days => $1)
        LIMIT $2 FOR UPDATE SKIP LOCKED)
"""
JOB_RUNS: LiteralString = """
    DELETE FROM job_runs WHERE (job, due_at) IN (
        SELECT job, due_at FROM job_runs
        WHERE started_at < now() - make_interval(days => $1)
        LIMIT $2 FOR UPDATE SKIP LOCKED)
"""
#: Retries that never came back, or were handled by another way; who comes back is
#: forgotten with its effects.
RETRIES: LiteralString = """
    DELETE FROM retries WHERE (consumer, event_id) IN (
        SELECT consumer, event_id FROM retries
        WHERE due_at < now() - make_interval(days => $1)
            OR EXISTS (SELECT FROM inbox WHERE inbox.consumer = retries.consumer
                           AND inbox.event_id = retries.event_id)
        LIMIT $2 FOR UPDATE SKIP LOCKED)
"""

plumbing_jobs = Jobs()


@plumbing_jobs.every(seconds=3600)
async def purge_plumbing(run: JobRun) -> None:
    """Delete what nobody can ask for any more."""
    settings = run.resources[SETTINGS]
    await _purge(run, OUTBOX, settings.keep_outbox_days)
    await _purge(run, INBOX, settings.keep_inbox_days)
    await _purge(run, RETRIES, settings.keep_outbox_days)
    await _purge(run, IDEMPOTENCY_KEYS, settings.keep_idempotency_days)
    await _purge(run, JOB_RUNS, settings.keep_job_runs_days)


async def _purge(run: JobRun, sql: LiteralString, days: int) -> None:
    deleted = CHUNK
    while deleted == CHUNK:
        async with run.db.transaction() as tx:
            deleted = await tx.execute(sql, days, CHUNK)
