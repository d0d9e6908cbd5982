"""A consumer of P6 in a process of its own, as each replica is.

`python -m bench.replica DATABASE_URL AMQP_URL` consumes until its input ends. Before it
takes anything, and for each line that it reads, it prints one: what it has handled
since the one before, as JSON.
"""

import asyncio
import json
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import IO, cast
from uuid import UUID

from bench.things import PREFETCH, SUBSCRIPTIONS, Handled
from chassis.db import open_database
from chassis.logs import configure_logs
from chassis.receiver import Receiver
from deploy.local.datafolder import PROJECT

STOP_SECONDS = 20
ANSWER_SECONDS = 20
#: A line tells of thousands of events.
LONGEST_LINE = 2**24
POLL_SECONDS = 0.01


class Replica:
    """The process, seen from outside."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def seen(self) -> list[tuple[UUID, float]]:
        """Return what it has handled since it was last asked, and when."""
        self._pipe.write(b"\n")
        return await self.line()

    async def line(self) -> list[tuple[UUID, float]]:
        output = cast("asyncio.StreamReader", self._process.stdout)
        async with asyncio.timeout(ANSWER_SECONDS):
            line = await output.readline()
        return [(UUID(thing_id), at) for thing_id, at in json.loads(line)]

    async def stop(self) -> None:
        self._pipe.close()
        async with asyncio.timeout(STOP_SECONDS):
            await self._process.wait()

    @property
    def _pipe(self) -> asyncio.StreamWriter:
        return cast("asyncio.StreamWriter", self._process.stdin)


@asynccontextmanager
async def replica(database_url: str, amqp_url: str) -> AsyncGenerator[Replica]:
    """Run one until the block ends; it begins once it consumes."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.replica", database_url, amqp_url),
        cwd=PROJECT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LONGEST_LINE,
    )
    replica = Replica(process)
    try:
        await replica.line()
        yield replica
    finally:
        await replica.stop()


async def _main(database_url: str, amqp_url: str) -> None:
    configure_logs("replica")
    async with open_database(database_url, schema="plumbing") as db:
        handled = Handled(db)
        receiver = Receiver(amqp_url, handled, SUBSCRIPTIONS, prefetch=PREFETCH)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(receiver.run())
            # No event can be set by it: it is a plain attribute.
            while not receiver.consuming:  # noqa: ASYNC110
                await asyncio.sleep(POLL_SECONDS)
            _tell(handled)
            while await asyncio.to_thread(cast("IO[str]", sys.stdin).readline):
                _tell(handled)
            receiver.stop()


def _tell(handled: Handled) -> None:
    seen, handled.seen = handled.seen, []
    print(json.dumps([(str(thing_id), at) for thing_id, at in seen]), flush=True)


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
