"""Migrations that run at once take turns at the broker."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from aio_pika.abc import AbstractConnection

from chassis import locking, remaking, topology
from chassis.bus import connect
from chassis.locking import LOCK, locked
from chassis.migrations import MigrationsLocked
from tests.integration.chassis.probe.app import PROCESS
from tests.integration.chassis.queues import put
from tests.integration.chassis.releases import (
    announce,
    is_as_wanted,
    is_there,
    take_all,
    the_release_before,
)
from tests.integration.chassis.stage import REPOSITORY
from tests.support.running import declare_queues

BODIES = {f"message {number}".encode() for number in range(300)}
#: A migration that has the lock, says so, and goes on for ever.
HOLDER = """
import asyncio, sys
from chassis.bus import connect
from chassis.locking import locked

async def main():
    async with connect(sys.argv[1], "holder") as connection, locked(connection):
        print("held", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remaking, "IDLE_SECONDS", 0.05)


async def test_of_several_that_make_a_queue_anew_at_once_none_loses_a_message(
    bare_amqp_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with the_release_before(monkeypatch):
        await declare_queues(bare_amqp_url, PROCESS)
    await put(bare_amqp_url, *BODIES)
    declaring = [declare_queues(bare_amqp_url, PROCESS) for _ in range(4)]
    announcing = [announce(bare_amqp_url, f"{n}".encode()) for n in range(20)]
    await asyncio.gather(*declaring, *announcing)
    await announce(bare_amqp_url, b"after")
    assert await is_as_wanted(bare_amqp_url)
    assert not await is_there(bare_amqp_url, LOCK)
    announced = {b"after", *(f"{n}".encode() for n in range(20))}
    await take_all(bare_amqp_url, BODIES | announced)


async def test_one_that_is_under_way_is_waited_for(bare_amqp_url: str) -> None:
    async with connect(bare_amqp_url, "test") as connection:
        async with locked(connection):
            waiting = asyncio.ensure_future(declare_queues(bare_amqp_url, PROCESS))
            done, _ = await asyncio.wait([waiting], timeout=3 / locking.TRIES_A_SECOND)
            assert not done
            assert not await topology.is_declared(connection, PROCESS.subscriptions)
        await waiting
        assert await topology.is_declared(connection, PROCESS.subscriptions)


async def test_one_that_takes_too_long_is_named_with_what_to_do(
    bare_amqp_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locking, "LOCK_SECONDS", 1)
    async with a_holder(bare_amqp_url):
        with pytest.raises(
            MigrationsLocked,
            match=r"^the queue migrate\.lock stayed another migration's for 1 s, which"
            r" hangs or runs long: try again when it has ended, or end it$",
        ):
            await declare_queues(bare_amqp_url, PROCESS)


async def test_who_loses_the_broker_in_the_midst_is_told_what_went_wrong_first(
    bare_amqp_url: str,
) -> None:
    async def lose_it(connection: AbstractConnection) -> None:
        async with locked(connection):
            await connection.close()
            raise LookupError("what went wrong")

    async with connect(bare_amqp_url, "test") as connection:
        with pytest.raises(LookupError, match="what went wrong"):
            await lose_it(connection)


async def test_one_that_is_killed_holds_up_nobody(bare_amqp_url: str) -> None:
    async with a_holder(bare_amqp_url) as holder:
        waiting = asyncio.ensure_future(declare_queues(bare_amqp_url, PROCESS))
        holder.kill()
        await waiting
    async with connect(bare_amqp_url, "test") as connection:
        assert await topology.is_declared(connection, PROCESS.subscriptions)


@asynccontextmanager
async def a_holder(amqp_url: str) -> AsyncGenerator[asyncio.subprocess.Process]:
    """Run a process that has the lock."""
    holder = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HOLDER, amqp_url),
        cwd=REPOSITORY,
        stdout=asyncio.subprocess.PIPE,
    )
    assert holder.stdout is not None
    try:
        assert await holder.stdout.readline() == b"held\n"
        yield holder
    finally:
        if holder.returncode is None:
            holder.kill()
        await holder.communicate()
