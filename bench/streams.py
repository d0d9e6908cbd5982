"""P11: ten thousand people listen to one gateway, and one change reaches them all.

The gateway is a process of its own, as in production; its services are not needed. The
listeners are plain sockets of this process. All of them are staff, so that each change
concerns everybody.
"""

import asyncio
import gc
import os
import sys
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import aiohttp
import psutil
from aiohttp import web
from aiohttp.test_utils import TestServer

from bench.report import Figure, progress
from bench.servers import started_servers
from chassis import topology
from chassis.bus import Message, Publisher, connect
from chassis.ids import uuid7
from chassis.outbox import row_of
from chassis.topology import EXCHANGE
from contracts.events.billing import StaffTaskRaised
from deploy.local.datafolder import PROJECT
from deploy.local.ports import free_ports
from tests.support.databases import fresh_vhost
from tests.support.tokens import JWKS, a_staff_member, bearer

STREAMS = 10_000
STREAMS_PER_USER = 10
OPENING_AT_ONCE = 100
CHANGES = 20
PAUSE_SECONDS = 0.5
POLL_SECONDS = 0.1
WAIT_SECONDS = 30
#: As long as a few heartbeats take: by then every stream has told that it lives.
SETTLE_SECONDS = 20
MOST_MEGABYTES = 300
MOST_SECONDS = 2.0


async def measure() -> list[Figure]:
    async with AsyncExitStack() as stack:
        servers = await stack.enter_async_context(started_servers())
        amqp_url = await stack.enter_async_context(fresh_vhost(servers))
        bus = await stack.enter_async_context(connect(amqp_url, "bench"))
        await topology.declare(bus, {})
        port, process = await stack.enter_async_context(_gateway(amqp_url))
        crowd = Crowd(port)
        stack.callback(crowd.leave)
        await crowd.come()
        publisher = await Publisher.open(bus)
        progress(f"{STREAMS:,} streams are open")
        gc.disable()  # of the listeners: it would be their pause, not the gateway's
        stack.callback(gc.enable)
        seconds = [await _tell_all(publisher, crowd) for _ in range(CHANGES)]
        await asyncio.sleep(SETTLE_SECONDS)
        crowd.check(CHANGES)
        memory = process.memory_info().rss / 2**20
    return _figures(memory, sorted(seconds))


def _figures(memory: float, seconds: Sequence[float]) -> list[Figure]:
    return [
        Figure(
            row="P11",
            what=f"memory of a gateway with {STREAMS:,} open streams",
            value=memory,
            unit="MB",
            target=f"< {MOST_MEGABYTES}",
            holds=memory < MOST_MEGABYTES,
        ),
        Figure(
            row="P11",
            what="a change has reached all of them, the slowest of "
            f"{len(seconds)} times",
            value=seconds[-1],
            unit="s",
            target=f"≤ {MOST_SECONDS:.0f}",
            holds=seconds[-1] <= MOST_SECONDS,
        ),
    ]


async def _tell_all(publisher: Publisher, crowd: "Crowd") -> float:
    """Return how long a change takes from the broker's hands to everybody's."""
    event = StaffTaskRaised(
        version=1,
        task_id=uuid7(),
        customer_id=None,
        department="support",
        title="a task",
        details="that nobody is told of here",
    )
    row = row_of(event, "billing")
    message = Message(
        exchange=EXCHANGE,
        routing_key=event.TYPE,
        type=event.TYPE,
        body=str(row[9]).encode(),
        message_id=str(row[0]),
    )
    heard = crowd.all_hear()
    began = time.perf_counter()
    await publisher.publish(message)
    async with asyncio.timeout(WAIT_SECONDS):
        await heard
    took = time.perf_counter() - began
    await asyncio.sleep(PAUSE_SECONDS)
    return took


class Crowd:
    """The listeners, each with a connection of its own."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._listeners: list[_Listener] = []
        self._yet_to_hear = 0
        self._all_heard: asyncio.Future[None] | None = None

    async def come(self) -> None:
        """Open all streams, some at once."""
        for _ in range(0, STREAMS, OPENING_AT_ONCE):
            users = OPENING_AT_ONCE // STREAMS_PER_USER
            requests = [_request() for _ in range(users)]
            await asyncio.gather(*map(self._open, requests * STREAMS_PER_USER))

    def leave(self) -> None:
        for listener in self._listeners:
            listener.transport.abort()

    def all_hear(self) -> asyncio.Future[None]:
        """Return a future that ends when each has heard one more event."""
        self._yet_to_hear = len(self._listeners)
        self._all_heard = asyncio.get_running_loop().create_future()
        return self._all_heard

    def one_hears(self) -> None:
        self._yet_to_hear -= 1
        if self._yet_to_hear == 0 and self._all_heard is not None:
            self._all_heard.set_result(None)

    def check(self, events: int) -> None:
        """Raise unless everybody is there still, and has heard every event once."""
        heard = {listener.heard for listener in self._listeners if listener.listens}
        if heard != {events} or not all(x.listens for x in self._listeners):
            raise RuntimeError(f"of {events} events some heard {heard}")

    async def _open(self, request: bytes) -> None:
        loop = asyncio.get_running_loop()
        _, listener = await loop.create_connection(
            lambda: _Listener(self, request), "127.0.0.1", self._port
        )
        self._listeners.append(listener)
        async with asyncio.timeout(WAIT_SECONDS):
            await listener.accepted


class _Listener(asyncio.Protocol):
    """One who listens: counts the events, and forgets what they say."""

    def __init__(self, crowd: Crowd, request: bytes) -> None:
        self._crowd = crowd
        self._request = request
        self._rest = b""
        self.accepted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.heard = 0
        self.listens = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            raise TypeError
        self.transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if not self.listens:
            self._enter(lines[0])
        for line in lines:
            if line.startswith(b"event: "):
                self.heard += 1
                self._crowd.one_hears()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.listens = False

    def _enter(self, status: bytes) -> None:
        if b" 200 " not in status:
            self.accepted.set_exception(RuntimeError(status.decode()))
            return
        self.listens = True
        self.accepted.set_result(None)


def _request() -> bytes:
    headers = {"Host": "bench", **bearer(a_staff_member("tickets.read"))}
    lines = [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(["GET /api/v1/stream HTTP/1.1", *lines, "", ""]).encode()


@asynccontextmanager
async def _gateway(amqp_url: str) -> AsyncGenerator[tuple[int, psutil.Process]]:
    """Run a gateway until the block ends; it begins once the gateway hears."""
    async with _published_keys() as jwks_url:
        port = free_ports(1)[0]
        nowhere = "http://127.0.0.1:9"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway", "serve"),
            cwd=PROJECT,
            env={
                **os.environ,
                "AMQP_URL": amqp_url,
                "HTTP_PORT": str(port),
                "JWKS_URL": jwks_url,
                "LOG_LEVEL": "ERROR",
                "PUBLIC_URL": "https://client.example.com",
                "ADDRESS_LIMIT_FACTOR": "1000",
                **{
                    f"{name}_URL": nowhere
                    for name in ("ACCOUNTS", "BILLING", "TICKETS", "NOTIFIER")
                },
            },
        )
        try:
            await _connected(port)
            yield port, psutil.Process(process.pid)
        finally:
            process.terminate()
            await process.wait()


@asynccontextmanager
async def _published_keys() -> AsyncGenerator[str]:
    """Publish the keys of the listeners' tokens, as accounts would."""

    async def show(_request: web.Request) -> web.Response:
        return web.json_response(JWKS)

    app = web.Application()
    app.router.add_get("/jwks.json", show)
    async with TestServer(app) as server:
        yield str(server.make_url("/jwks.json"))


async def _connected(port: int) -> None:
    """Return once the gateway hears what happens."""
    hearing = 'listener_connected{listener="gateway"} 1.0'
    async with (
        asyncio.timeout(WAIT_SECONDS),
        aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http,
    ):
        # No event can be set by another process.
        while hearing not in await _metrics(http):  # noqa: ASYNC110
            await asyncio.sleep(POLL_SECONDS)


async def _metrics(http: aiohttp.ClientSession) -> str:
    try:
        async with http.get("/metrics") as answer:
            return await answer.text()
    except aiohttp.ClientError:
        return ""
