"""Says what is wrong now, part by part, and where to read on."""

import asyncio
import shutil
import time
from collections.abc import AsyncGenerator, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

import aiohttp
import asyncpg
from aio_pika.abc import AbstractConnection

from chassis.bus import Message, Publisher
from chassis.migrations import migrations_of
from chassis.restoring import find_mark
from chassis.topology import dead_queue
from contracts.subscriptions import SUBSCRIPTIONS
from deploy.operate.faults import CannotOperate
from deploy.operate.leftovers import UNFINISHED, leftovers
from deploy.operate.letters import broker, queue_state
from deploy.operate.manifest import NAME as MANIFEST
from deploy.operate.snapshots import connected
from deploy.operate.targets import Targets, place
from deploy.processes import SERVICES

UNPUBLISHED_SECONDS = 60
LONGEST_QUEUE = 1000
#: A job that hasn't ended well for so many of its turns is not just late.
MISSED_TURNS = 3
JOB_SLACK = timedelta(minutes=2)
OLDEST_BACKUP = timedelta(hours=26)
LEAST_FREE = 0.05
#: Some 20 MB of Postgres' temporary files: more than the next file of its log.
SPILLED_ROWS = 1_500_000
#: A broker that takes messages says so at once.
CONFIRM_SECONDS = 5.0
#: What no queue wants: the broker confirms it, and drops it.
PROBE = Message(
    exchange="",
    routing_key="operate.probe",
    type="operate.probe",
    body=b"",
    message_id="operate.probe",
    mandatory=False,
)
POSTGRES_FULL = "make room on Postgres' disk: docs/runbooks/disk-full.md"
ALARM = "it is short of memory or disk: docs/runbooks/broker-alarm.md"
SILENT = "it doesn't confirm them: docs/runbooks/events-refused.md"
REQUEST_TIMEOUT = aiohttp.ClientTimeout(total=5)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `wrong` says what to do, empty when all is well."""

    part: str
    seen: str
    wrong: str = ""

    def __str__(self) -> str:
        mark = "WRONG" if self.wrong else "ok"
        return f"{mark:6}{self.part:10}{self.seen}" + (
            f"\n      -> {self.wrong}" if self.wrong else ""
        )


async def examine(targets: Targets) -> AsyncGenerator[Finding]:
    """Look at everything; what can't be reached is a finding, not an end."""
    async for finding in _processes(targets.processes):
        yield finding
    async for finding in _postgres_disks(targets):
        yield finding
    for process in SERVICES:
        try:
            async with connected(targets.auditor(process.name)) as connection:
                if mark := await find_mark(connection, process.name):
                    yield Finding(process.name, "half a restore", mark.advice)
                    continue
                yield await _migrations(connection, process.name, process.package)
                yield await _outbox(connection, process.name)
                jobs = {job.name: job.seconds for job in process.jobs or ()}
                yield await _jobs(connection, process.name, jobs)
        except (CannotOperate, asyncpg.PostgresError) as fault:
            yield Finding(process.name, "database", str(fault))
    try:
        yield await _alarm(targets)
        async with broker(targets) as connection:
            for consumer in SUBSCRIPTIONS:
                yield await _queue(connection, consumer)
                yield await _dead(connection, consumer)
    except CannotOperate as fault:
        yield Finding("broker", "", str(fault))
    for finding in (*_disks(targets), *look_at_backups(targets)):
        yield finding


async def _processes(urls: Mapping[str, str]) -> AsyncGenerator[Finding]:
    async with aiohttp.ClientSession(timeout=REQUEST_TIMEOUT) as session:
        for name, url in urls.items():
            try:
                async with session.get(f"{url}/health/ready") as answer:
                    said = await answer.text()
                    ready = answer.status == HTTPStatus.OK
            except (aiohttp.ClientError, TimeoutError) as fault:
                yield Finding(
                    name,
                    "doesn't answer",
                    f"{type(fault).__name__} at {url}: is it running? its log says why",
                )
                continue
            yield Finding(
                name, "ready" if ready else "not ready", "" if ready else said
            )


async def _postgres_disks(targets: Targets) -> AsyncGenerator[Finding]:
    """Have each server write as much as the next file of its log takes."""
    for url in {place(url): url for url in targets.auditors.values() if url}.values():
        try:
            async with connected(url) as connection:
                await connection.execute("SET work_mem TO '64kB'")
                # What doesn't fit goes to the server's disk, and off it again: that
                # takes no right but to connect, and leaves nothing behind.
                await connection.fetchval(
                    "SELECT count(*) FROM generate_series(1, $1)", SPILLED_ROWS
                )
        except asyncpg.DiskFullError as fault:
            yield Finding("postgres", f"no room: {fault}", POSTGRES_FULL)
        except (CannotOperate, asyncpg.PostgresError):
            continue  # is said of each service
        else:
            yield Finding("postgres", "room on its disk")


async def _migrations(
    connection: asyncpg.Connection, service: str, package: str
) -> Finding:
    rows = await connection.fetch(f"SELECT name FROM {service}.schema_migrations")  # noqa: S608 - a name of ours
    missing = {m.name for m in migrations_of(package)} - {row["name"] for row in rows}
    wrong = f"not applied: {', '.join(sorted(missing))}; run its `migrate`"
    return Finding(service, f"{len(rows)} migrations", wrong if missing else "")


async def _outbox(connection: asyncpg.Connection, service: str) -> Finding:
    row = await connection.fetchrow(
        f"""
        SELECT count(*) AS waiting,
               coalesce(extract(epoch FROM now() - min(emitted_at)), 0)::int AS age
        FROM {service}.outbox WHERE published_at IS NULL
        """  # noqa: S608 - a name of ours
    )
    waiting, age = (row["waiting"], row["age"]) if row else (0, 0)
    wrong = (
        f"the oldest waits for {age} s: does the process run its relay, is the broker"
        " there? docs/runbooks/outbox-old.md"
    )
    return Finding(
        service,
        f"{waiting} events to publish",
        wrong if age > UNPUBLISHED_SECONDS else "",
    )


async def _jobs(
    connection: asyncpg.Connection, service: str, jobs: Mapping[str, float]
) -> Finding:
    rows = await connection.fetch(
        f"""
        SELECT job, max(finished_at) FILTER (WHERE error IS NULL) AS well_at,
               (array_agg(error ORDER BY due_at DESC))[1] AS error
        FROM {service}.job_runs WHERE finished_at IS NOT NULL GROUP BY job
        """  # noqa: S608 - a name of ours
    )
    last = {row["job"]: row for row in rows}
    faults = [
        _late(name, seconds, last.get(name)) for name, seconds in sorted(jobs.items())
    ]
    wrong = "; ".join(fault for fault in faults if fault)
    return Finding(service, f"{len(jobs)} jobs", wrong)


def _late(name: str, seconds: float, row: asyncpg.Record | None) -> str:
    if row is None or row["well_at"] is None:
        return f"{name} has never ended well: {row['error'] if row else 'it never ran'}"
    allowed = timedelta(seconds=MISSED_TURNS * seconds) + JOB_SLACK
    if datetime.now(UTC) - row["well_at"] > allowed:
        return f"{name} last ended well at {row['well_at']:%F %T}: {row['error']}"
    return ""


async def _queue(connection: AbstractConnection, consumer: str) -> Finding:
    count, readers = await queue_state(connection, consumer)
    seen = f"{count} events to handle, {readers} readers"
    if readers == 0:
        return Finding(consumer, seen, "nobody reads its queue: does it run consumers?")
    wrong = "it is far behind: docs/operating/scale.md"
    return Finding(consumer, seen, wrong if count > LONGEST_QUEUE else "")


async def _dead(connection: AbstractConnection, consumer: str) -> Finding:
    count, _ = await queue_state(connection, dead_queue(consumer))
    wrong = "see `letters list`, and docs/operating/dead-letters.md"
    return Finding(consumer, f"{count} dead letters", wrong if count else "")


async def _alarm(targets: Targets) -> Finding:
    """Give the broker messages, on a connection of its own: an alarm blocks it."""
    async with broker(targets) as connection:
        publisher = await Publisher.open(connection)
        try:
            async with asyncio.timeout(CONFIRM_SECONDS):
                # Under an alarm, RabbitMQ blocks who publishes after the first message.
                for _ in range(2):
                    await publisher.publish(PROBE)
        except TimeoutError:
            alarmed = not await publisher.ready()
            return Finding("broker", "takes no messages", ALARM if alarmed else SILENT)
    return Finding("broker", "takes messages")


def _disks(targets: Targets) -> Iterable[Finding]:
    for name, folder in (("blobs", targets.blobs), ("backups", targets.backups)):
        if folder is None or not folder.is_dir():
            continue
        usage = shutil.disk_usage(folder)
        free = usage.free / usage.total
        wrong = f"{folder} is nearly full: make room, or nothing can be stored"
        yield Finding(name, f"{free:.0%} free", wrong if free < LEAST_FREE else "")


def look_at_backups(targets: Targets) -> Iterable[Finding]:
    """Return how old the newest is, and what lies beside it and is none."""
    if targets.backups is None or not targets.backups.is_dir():
        return
    for left in leftovers(targets.backups):
        yield Finding("backups", str(left), left.advice)
    ages = [
        time.time() - path.stat().st_mtime
        for path in targets.backups.glob(f"*/{MANIFEST}")
        if path.parent.suffix != UNFINISHED
    ]
    if not ages:
        yield Finding("backups", "none", "run `backup`, every night")
        return
    newest = timedelta(seconds=int(min(ages)))
    wrong = "the newest is too old: why did the last one fail?"
    late = newest > OLDEST_BACKUP
    yield Finding("backups", f"the newest is {newest} old", wrong if late else "")
