"""What the database knows of a process's work, asked whenever it is measured.

Each replica tells the same; whoever looks at several takes the largest.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import asyncpg
import structlog

from chassis import metrics
from chassis.clock import Clock
from chassis.db import Database, Transaction
from chassis.errors import Unavailable
from chassis.jobs import Job

#: Sets a service's own gauges; reads little, as it is asked every few seconds.
Measure: TypeAlias = Callable[[Transaction, Clock], Awaitable[None]]

log = structlog.get_logger("metrics")


class Sampler:
    """Asks for the state of outbox, jobs, checks, and what the service adds."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        jobs: Sequence[Job],
        measures: Sequence[Measure],
    ) -> None:
        self._database = database
        self._clock = clock
        self._jobs = [job.name for job in jobs]
        self._measures = measures
        self._up = metrics.database_up.labels(database.source)
        for job in jobs:
            metrics.job_interval.labels(job.name).set(job.seconds)
            metrics.expect(metrics.job_failures, job.name)

    async def sample(self) -> None:
        """Set the gauges; while the database is away they keep their last values."""
        self._measure_pools()
        try:
            async with self._database.reading() as tx:
                await _measure_outbox(tx)
                await _measure_jobs(tx, self._jobs)
                await _measure_checks(tx)
                for measure in self._measures:
                    await measure(tx, self._clock)
        except (Unavailable, asyncpg.PostgresError) as error:
            log.warning("not measured", error=repr(error))
            self._up.set(0)
        else:
            self._up.set(1)

    def _measure_pools(self) -> None:
        pools = {"write": self._database.pool, "read": self._database.readers}
        for name, pool in pools.items():
            metrics.pool_limit.labels(name).set(pool.get_max_size())
            metrics.pool_size.labels(name).set(pool.get_size())
            metrics.pool_idle.labels(name).set(pool.get_idle_size())


async def _measure_outbox(tx: Transaction) -> None:
    row = await tx.fetchrow(
        """
        SELECT count(*) AS waiting,
               coalesce(extract(epoch FROM now() - min(emitted_at)), 0) AS age
        FROM outbox WHERE published_at IS NULL
        """
    )
    if row is not None:
        metrics.outbox_waiting.set(row["waiting"])
        metrics.outbox_age.set(float(row["age"]))


async def _measure_jobs(tx: Transaction, names: list[str]) -> None:
    """Tell when each job last succeeded, whichever replica ran it."""
    rows = await tx.fetch(
        """
        SELECT j.name, extract(epoch FROM r.finished_at) AS finished_at
        FROM unnest($1::text[]) AS j (name) CROSS JOIN LATERAL (
            SELECT finished_at FROM job_runs
            WHERE job = j.name AND finished_at IS NOT NULL AND error IS NULL
            ORDER BY due_at DESC LIMIT 1
        ) r
        """,
        names,
    )
    for row in rows:
        metrics.job_last_success.labels(row["name"]).set(float(row["finished_at"]))


async def _measure_checks(tx: Transaction) -> None:
    rows = await tx.fetch(
        """
        SELECT name, checked, violations, extract(epoch FROM ran_at) AS ran_at
        FROM check_results
        """
    )
    for row in rows:
        name = row["name"]
        metrics.check_violations.labels(name).set(row["violations"])
        metrics.check_checked.labels(name).set(row["checked"])
        metrics.check_ran_at.labels(name).set(float(row["ran_at"]))
