"""Runs a process: opens what it needs, starts its parts, and drains them at the end."""

import asyncio
import errno
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import structlog

from chassis import clockshift
from chassis.addresses import server_of
from chassis.blobs import Blobs
from chassis.bus import BROKER_ERRORS, connect
from chassis.checking import checking_jobs
from chassis.client import open_client
from chassis.clock import Clock
from chassis.consumers import Consumers
from chassis.db import DatabaseRefuses, knock, open_database
from chassis.definition import Process
from chassis.health import Health, observed
from chassis.http import build_app, serving
from chassis.inbox import Inbox
from chassis.jobs import Job, run_forever
from chassis.purge import plumbing_jobs
from chassis.receiver import Receiver
from chassis.relay import Relay, RelaySettings
from chassis.resources import (
    BLOBS,
    CHECKS,
    CLOCK,
    DATABASE,
    SETTINGS,
    VERIFIER,
    Resources,
)
from chassis.samples import Sampler
from chassis.settings import ProcessSettings, SettingsWrong, require
from chassis.tokens import PublishedKeys, TokenVerifier
from chassis.tracing import recording

DRAIN_SECONDS = 20.0
WATCHDOG_SECONDS = 30
WAITING_SECONDS = 0.5

log = structlog.get_logger("process")


class ConsumersGone(RuntimeError):
    """Nothing is consumed although the broker is there: only a new start helps."""


@asynccontextmanager
async def opened(
    process: Process, settings: ProcessSettings
) -> AsyncGenerator[Resources]:
    """Open everything that the process works with."""
    async with AsyncExitStack() as stack:
        resources = Resources()
        resources[SETTINGS] = settings
        resources[CLOCK] = Clock(settings.company_time_zone)
        resources[CHECKS] = process.checks
        if settings.blobs_dir is not None:
            resources[BLOBS] = _blobs(settings.blobs_dir)
        if process.has_database:
            require(settings, "database_url")
            await _knock(settings.database_url)
            resources[DATABASE] = await stack.enter_async_context(
                open_database(
                    settings.database_url,
                    schema=process.name,
                    pool_size=settings.pool_size,
                )
            )
        if process.resources is not None:
            await stack.enter_async_context(process.resources(resources, settings))
        yield resources


def _blobs(folder: Path) -> Blobs:
    """Return the store, or stop with one line: the first upload would find it out."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as fault:
        raise SettingsWrong(
            f"BLOBS_DIR: nothing can be written to {str(folder)!r}: {fault.strerror}"
        ) from None
    return Blobs(folder)


async def _knock(url: str) -> None:
    """Stop with one line if the database will never let us in; one that is away may."""
    try:
        away = await knock(url)
    except DatabaseRefuses as refused:
        raise SettingsWrong(
            f"DATABASE_URL: {server_of(url)} refuses us: {refused}; correct the role,"
            " its password or the database's name, or let `migrate` make them"
        ) from None
    if away is not None:
        log.warning(
            "database away",
            server=server_of(url),
            reason=away,
            help="waiting for it; if that takes long, look at DATABASE_URL",
        )


async def serve(
    process: Process,
    settings: ProcessSettings,
    stopping: asyncio.Event,
    started: Callable[[int, Resources], None] | None = None,
) -> None:
    """Run the process's parts until `stopping`, then let them finish.

    `started` is told the port once requests are taken. A part that fails ends the
    process: whoever supervises it starts it again.
    """
    async with recording(process.name), opened(process, settings) as resources:
        health = Health(
            resources[DATABASE] if process.has_database else None, process.package
        )
        if process.has_database:
            health.sampler = Sampler(
                resources[DATABASE],
                resources[CLOCK],
                jobs=jobs_of(process),
                measures=process.measures,
            )
        parts = _Parts(process, settings, resources)
        async with asyncio.TaskGroup() as tasks:
            starting = tasks.create_task(parts.start(tasks, health), name="start")
            async with _http(process, settings, resources, health) as port:
                if started is not None:
                    started(port, resources)
                log.info("started", port=port, parts=sorted(settings.parts))
                await stopping.wait()
                deadline = asyncio.get_running_loop().time() + DRAIN_SECONDS
                health.stopping = True
                starting.cancel()
                parts.stop_jobs()
            # Requests are answered by now: some waited for events to come in.
            await parts.finish(deadline)
    log.info("stopped")


@asynccontextmanager
async def _http(
    process: Process, settings: ProcessSettings, resources: Resources, health: Health
) -> AsyncGenerator[int]:
    """Serve the routes; without the part `http`, only health and metrics."""
    async with _verifier(settings, resources):
        with_routes = "http" in settings.parts
        if with_routes:
            health.verifier = resources[VERIFIER]
            if process.degraded is not None:
                health.degraded = partial(process.degraded, resources)
        app = build_app(
            name=process.name,
            routes=process.routes if with_routes else (),
            resources=resources,
            verifier=resources[VERIFIER],
            clock=resources[CLOCK],
            database=resources[DATABASE] if process.has_database else None,
            behind_gateway=process.behind_gateway,
            trusted_proxies=settings.trusted_proxies,
        )
        # Closed last: whoever watches sees the process drain.
        async with observed(health, app, settings):
            if with_routes and process.extend is not None:
                process.extend(app, resources)
            async with serving(
                app,
                host=settings.http_host,
                port=settings.http_port,
                connections=settings.http_connections,
                drain_seconds=settings.drain_seconds,
            ) as port:
                yield port


@asynccontextmanager
async def _verifier(
    settings: ProcessSettings, resources: Resources
) -> AsyncGenerator[None]:
    """Verify tokens by the published keys, unless the process brought its own."""
    if VERIFIER in resources:
        yield
        return
    require(settings, "jwks_url")
    async with open_client(settings.jwks_url) as client:

        async def fetch() -> object:
            return await client.get_json("")

        resources[VERIFIER] = TokenVerifier(
            PublishedKeys(fetch), issuer=settings.token_issuer, clock=resources[CLOCK]
        )
        yield


class _Parts:
    """Relay, consumers, jobs and what goes with them, as tasks of one group."""

    def __init__(
        self,
        process: Process,
        settings: ProcessSettings,
        resources: Resources,
    ) -> None:
        self._process = process
        self._settings = settings
        self._resources = resources
        self._stopping = asyncio.Event()
        self._relay: Relay | None = None
        self._receiver: Receiver | None = None
        #: Those that end by themselves once told to stop, and those that never do.
        self._finite: list[asyncio.Task[None]] = []
        self._endless: list[asyncio.Task[None]] = []
        self._check()

    async def start(self, tasks: asyncio.TaskGroup, health: Health) -> None:
        """Start what is wanted once the database has what this release needs."""
        if not self._process.has_database:
            return
        told: list[str] = []
        while missing := await health.missing_schema():
            if missing != told:
                log.warning("waiting", missing=missing, help="has `migrate` been run?")
            told = missing
            await asyncio.sleep(WAITING_SECONDS)
        self._start(tasks)

    def stop_jobs(self) -> None:
        """Begin no further run of a job."""
        self._stopping.set()

    async def finish(self, deadline: float) -> None:
        """Begin nothing new, and wait for what was begun, but not for ever."""
        if self._receiver is not None:
            self._receiver.stop()
        if self._relay is not None:
            self._relay.stop()
        for task in self._endless:
            task.cancel()
        if self._finite:
            left = deadline - asyncio.get_running_loop().time()
            _, late = await asyncio.wait(self._finite, timeout=max(left, 1))
            for task in late:
                log.error("not finished in time", task=task.get_name())
                task.cancel()

    def _check(self) -> None:
        """Refuse at once what can't work."""
        # Without a database there is no outbox, and no inbox either.
        if self._process.has_database and self._settings.parts & {"relay", "consumers"}:
            require(self._settings, "amqp_url")
        consumers = self._process.consumers
        if consumers is not None:
            consumers.check(self._process.subscriptions[consumers.name])

    def _start(self, tasks: asyncio.TaskGroup) -> None:
        parts, process = self._settings.parts, self._process
        if self._settings.sandbox_clock:
            following = clockshift.follow(
                self._resources[CLOCK], self._resources[DATABASE]
            )
            self._endless.append(tasks.create_task(following, name="clock"))
        if "relay" in parts:
            self._start_relay(tasks)
        if "consumers" in parts and process.consumers is not None:
            self._start_consumers(tasks, process.consumers)
        if "jobs" in parts:
            for job in jobs_of(self._process):
                self._start_job(tasks, job)
            for work in process.jobs.steady if process.jobs else ():
                working = work(self._resources, self._stopping)
                self._finite.append(tasks.create_task(working, name=work.__name__))

    def _start_relay(self, tasks: asyncio.TaskGroup) -> None:
        settings = self._settings
        self._relay = Relay(
            self._resources[DATABASE],
            RelaySettings(
                amqp_url=settings.amqp_url,
                source=self._process.name,
                subscriptions=self._process.subscriptions,
                waiting=self._process.waiting,
                delay_seconds=settings.relay_delay_seconds,
            ),
        )
        self._finite.append(tasks.create_task(self._relay.run(), name="relay"))

    def _start_consumers(self, tasks: asyncio.TaskGroup, consumers: Consumers) -> None:
        settings = self._settings
        inbox = Inbox(consumers, self._resources, self._resources[DATABASE])
        self._receiver = Receiver(
            settings.amqp_url,
            inbox,
            self._process.subscriptions,
            prefetch=settings.prefetch,
        )
        self._finite.append(tasks.create_task(self._receiver.run(), name="consumers"))
        watching = _watch(self._receiver, settings.amqp_url)
        self._endless.append(tasks.create_task(watching, name="watchdog"))

    def _start_job(self, tasks: asyncio.TaskGroup, job: Job) -> None:
        running = run_forever(job, self._resources, self._stopping)
        self._finite.append(tasks.create_task(running, name=f"job {job.name}"))


def jobs_of(process: Process) -> list[Job]:
    """Return the jobs that every process has, and its own."""
    return [*plumbing_jobs, *checking_jobs, *(process.jobs or ())]


async def _watch(receiver: Receiver, amqp_url: str) -> None:
    """End the process when it consumes nothing for long although it could."""
    idle_seconds = 0
    while idle_seconds < WATCHDOG_SECONDS:
        await asyncio.sleep(1)
        idle_seconds = 0 if receiver.consuming else idle_seconds + 1
        if idle_seconds == WATCHDOG_SECONDS and not await _answers(amqp_url):
            idle_seconds = 0
    raise ConsumersGone(f"no consumer for {WATCHDOG_SECONDS} s")


async def _answers(amqp_url: str) -> bool:
    try:
        async with connect(amqp_url, "watchdog"):
            return True
    except BROKER_ERRORS:
        return False
