"""Timed work: each due slot of a job is claimed by one worker and run once."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

import structlog

from chassis import metrics
from chassis.clock import Clock
from chassis.context import Cause
from chassis.db import Database
from chassis.errors import Unavailable
from chassis.ids import uuid7
from chassis.resources import CLOCK, DATABASE, Resources
from chassis.tracing import traced

log = structlog.get_logger("jobs")


@dataclass(frozen=True, slots=True)
class JobRun:
    """What a job works with: one run of one due slot."""

    run_id: UUID
    resources: Resources

    @property
    def db(self) -> Database:
        return self.resources[DATABASE]

    @property
    def clock(self) -> Clock:
        return self.resources[CLOCK]

    @property
    def now(self) -> datetime:
        """The business instant."""
        return self.clock.business_now()

    @property
    def today(self) -> date:
        """The business date."""
        return self.clock.today()


JobFunction = Callable[[JobRun], Awaitable[None]]
#: Works until the event is set, then finishes what it has begun.
SteadyFunction = Callable[[Resources, asyncio.Event], Coroutine[None, None, None]]


@dataclass(frozen=True, slots=True)
class Job:
    """A function and how often it is due."""

    name: str
    seconds: float
    function: JobFunction

    def due_at(self, now: float) -> float:
        """Return the start of the slot that `now` lies in, in epoch seconds."""
        return now // self.seconds * self.seconds


class Jobs:
    """A process's jobs, filled by the decorators `every` and `steadily`."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self.steady: list[SteadyFunction] = []

    def every(self, *, seconds: float) -> Callable[[JobFunction], JobFunction]:
        """Run the function once in every slot of so many seconds."""

        def register(function: JobFunction) -> JobFunction:
            name = function.__name__
            if name in self._jobs:
                raise ValueError(f"there are two jobs called {name}")
            self._jobs[name] = Job(name, seconds, function)
            return function

        return register

    def steadily(self, function: SteadyFunction) -> SteadyFunction:
        """Run the function all the time, in each process that runs jobs."""
        self.steady.append(function)
        return function

    def __iter__(self) -> Iterator[Job]:
        return iter(self._jobs.values())

    def __getitem__(self, name: str) -> Job:
        return self._jobs[name]


async def run_forever(job: Job, resources: Resources, stopping: asyncio.Event) -> None:
    """Run every due slot until told to stop; a run in progress is finished."""
    while not stopping.is_set():
        await run_due(job, resources)
        pause = job.due_at(time.time()) + job.seconds - time.time()
        try:
            await asyncio.wait_for(stopping.wait(), timeout=max(pause, 0.01))
        except TimeoutError:
            continue


async def run_due(job: Job, resources: Resources) -> bool:
    """Run the current slot unless somebody has claimed it; return whether it ran."""
    run_id = uuid7()
    due_at = datetime.fromtimestamp(job.due_at(time.time()), UTC)
    try:
        if not await _claim(resources[DATABASE], job, due_at, run_id):
            return False
    except Unavailable as error:
        log.warning("job not claimed", job=job.name, error=repr(error))
        return False
    error = await run(job, resources, run_id=run_id)
    await _finish(resources[DATABASE], job, due_at, error)
    return True


async def run(job: Job, resources: Resources, *, run_id: UUID) -> str | None:
    """Run the job now; return what went wrong, if anything did."""
    cause = Cause(str(run_id), str(run_id), f"system:{job.name}")
    with (
        traced(cause, f"job {job.name}", "internal", {}) as span,
        metrics.job_seconds.labels(job.name).time(),
    ):
        try:
            await job.function(JobRun(run_id, resources))
        except Exception as error:
            # The slot is lost; the next one takes up what this one left.
            log.exception("job failed", job=job.name)
            metrics.job_failures.labels(job.name).inc()
            span.fail(type(error).__name__)
            return repr(error)[:2000]
    return None


async def _claim(database: Database, job: Job, due_at: datetime, run_id: UUID) -> bool:
    async with database.transaction() as tx:
        return bool(
            await tx.execute(
                """
                INSERT INTO job_runs (job, due_at, run_id) VALUES ($1, $2, $3)
                ON CONFLICT (job, due_at) DO NOTHING
                """,
                job.name,
                due_at,
                run_id,
            )
        )


async def _finish(
    database: Database, job: Job, due_at: datetime, error: str | None
) -> None:
    try:
        async with database.transaction() as tx:
            await tx.execute(
                """
                UPDATE job_runs SET finished_at = now(), error = $3
                WHERE job = $1 AND due_at = $2
                """,
                job.name,
                due_at,
                error,
            )
    except Unavailable as failure:
        log.warning("job run not noted", job=job.name, error=repr(failure))
