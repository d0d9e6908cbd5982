"""A process that is replaced leaves without a client meeting a closed connection."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import aiohttp
import pytest

from chassis.http import Call, Routes, public, server
from tests.unit.chassis.conftest import an_app

#: For what takes no time, unless the machine is busy.
PATIENCE_SECONDS = 30
#: Waited for to its end, it would outlast that.
DRAIN_SECONDS = 100

routes = Routes(tag="leaving")


@routes.get("/now", policy=public())
async def answer(_: Call) -> None:
    """Answer at once."""


@asynccontextmanager
async def connected(port: int) -> AsyncGenerator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(limit=1)
    base = f"http://127.0.0.1:{port}"
    async with aiohttp.ClientSession(base, connector=connector) as client:
        yield client


async def asked(client: aiohttp.ClientSession) -> str | None:
    """Ask once; return what the answer says of the connection."""
    async with client.get("/api/v1/now") as answer:
        assert answer.status == 204
        return answer.headers.get("Connection")


async def test_who_is_connected_is_answered_and_told_that_it_was_the_last_time() -> (
    None
):
    async with AsyncExitStack() as client_stack, AsyncExitStack() as stack:
        port = await stack.enter_async_context(
            server.serving(
                an_app(routes), host="127.0.0.1", port=0, drain_seconds=DRAIN_SECONDS
            )
        )
        client = await client_stack.enter_async_context(connected(port))
        assert await asked(client) is None
        closing = asyncio.create_task(stack.aclose())
        await until_refused(port)
        assert await asked(client) == "close"
        # Nobody is connected any more: there is nothing to wait for.
        async with asyncio.timeout(PATIENCE_SECONDS):
            await closing


async def until_refused(port: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                _, writing = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionError:
                return
            writing.close()
            await asyncio.sleep(0.01)


async def test_who_stays_idle_is_waited_for_no_longer_than_said() -> None:
    async with AsyncExitStack() as client_stack:
        async with server.serving(
            an_app(routes), host="127.0.0.1", port=0, drain_seconds=0.2
        ) as port:
            client = await client_stack.enter_async_context(connected(port))
            await asked(client)
        with pytest.raises(aiohttp.ClientConnectionError):
            await asked(client)


async def test_an_old_connection_ends_with_its_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(server, "CONNECTION_SECONDS", -1)
    async with (
        server.serving(an_app(routes), host="127.0.0.1", port=0) as port,
        connected(port) as client,
    ):
        assert await asked(client) == "close"
        assert await asked(client) == "close"


@pytest.mark.parametrize("steps", range(6))
async def test_who_comes_while_the_door_closes_is_not_kept_waiting(steps: int) -> None:
    async with AsyncExitStack() as stack:
        port = await stack.enter_async_context(
            server.serving(an_app(routes), host="127.0.0.1", port=0)
        )
        with socket.create_connection(("127.0.0.1", port)) as late:
            late.setblocking(False)  # noqa: FBT003 - the standard library's
            for _ in range(steps):  # as far as taking it may have come by then
                await asyncio.sleep(0)
            await stack.aclose()
            async with asyncio.timeout(PATIENCE_SECONDS):
                with suppress(ConnectionError):
                    assert await asyncio.get_running_loop().sock_recv(late, 1) == b""
