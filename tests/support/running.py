"""A process of ours, run inside a test with settings of the test's own."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import aiohttp

from chassis import topology
from chassis.bus import connect
from chassis.clock import Clock
from chassis.db import Database
from chassis.events import Event
from chassis.process import CLOCK, DATABASE, VERIFIER, Process, Resources
from chassis.running import serve
from chassis.settings import ProcessSettings
from tests.support.tokens import a_verifier

START_SECONDS = 60


@dataclass(frozen=True)
class Running:
    """A process that serves, and ways into it."""

    process: Process
    settings: ProcessSettings
    resources: Resources
    client: aiohttp.ClientSession
    stopping: asyncio.Event
    serving: "asyncio.Task[None]"

    @property
    def db(self) -> Database:
        return self.resources[DATABASE]

    @property
    def clock(self) -> Clock:
        return self.resources[CLOCK]

    async def announce(self, *events: Event) -> None:
        """Publish events through this process's outbox, as if by their producers."""
        for event in events:
            producer = Database(
                self.db.pool, self.db.readers, event.TYPE.partition(".")[0]
            )
            async with producer.transaction() as tx:
                await tx.emit(event)

    async def stop(self) -> None:
        """End it as SIGTERM would, and wait for that."""
        self.stopping.set()
        await self.serving


@asynccontextmanager
async def running(process: Process, **settings: Any) -> AsyncGenerator[Running]:
    """Run the process until the block ends; tokens of tests.support.tokens are valid.

    `settings` override the environment; name at least `database_url` and `amqp_url`,
    or leave out the parts that need them.
    """
    given = process.settings(http_port=0, log_level="WARNING", **settings)
    stopping = asyncio.Event()
    started: asyncio.Future[tuple[int, Resources]] = (
        asyncio.get_running_loop().create_future()
    )

    def note(port: int, resources: Resources) -> None:
        started.set_result((port, resources))

    task = asyncio.create_task(serve(_with_test_keys(process), given, stopping, note))
    await asyncio.wait(
        {task, started}, timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED
    )
    if not started.done():
        task.cancel()
        await task
    port, resources = started.result()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as client:
        try:
            yield Running(process, given, resources, client, stopping, task)
        finally:
            stopping.set()
            await task


def _with_test_keys(process: Process) -> Process:
    """Let the process verify tokens of the tests, unless it brings its own keys."""
    opener = process.resources

    @asynccontextmanager
    async def open_resources(
        resources: Resources, settings: ProcessSettings
    ) -> AsyncGenerator[None]:
        async with AsyncExitStack() as stack:
            if opener is not None:
                await stack.enter_async_context(opener(resources, settings))
            if VERIFIER not in resources:
                resources[VERIFIER] = a_verifier()
            yield

    return replace(process, resources=open_resources)


async def declare_queues(amqp_url: str, process: Process) -> None:
    """Do what `migrate` does at the broker."""
    async with connect(amqp_url, "test") as connection:
        await topology.declare(connection, process.subscriptions)
