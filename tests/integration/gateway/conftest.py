"""A gateway in front of services that answer as the test wants."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from types import SimpleNamespace

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestServer

from gateway.app import PROCESS
from gateway.upstream import Sending, Upstream
from tests.conftest import MakeDatabase
from tests.integration.accounts.conftest import cheap, database, stage
from tests.integration.gateway.announcing import Announcer, announcing
from tests.support.running import Running, running

__all__ = ["cheap", "database", "stage"]

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
SERVICES = ("accounts", "billing", "tickets", "notifier")
#: Longer than any test takes: who misses it never answers.
PANEL_SECONDS = 100.0
MIDDLE_OF_A_MINUTE = 1_800_000_030.0


class Services:
    """Stands in for the four: answers what it is told to, and remembers the calls."""

    def __init__(self) -> None:
        self.answers: dict[str, Handler] = {}
        self.calls: list[web.Request] = []
        self.bodies: list[bytes] = []
        self.server = TestServer(self._app())

    @property
    def url(self) -> str:
        return str(self.server.make_url("")).rstrip("/")

    def answer(self, path: str, body: object, status: int = 200) -> None:
        async def handler(request: web.Request) -> web.Response:
            del request
            return web.json_response(body, status=status)

        self.answers[path] = handler

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=20 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._handle)
        return app

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.calls.append(request)
        self.bodies.append(await request.read())
        handler = self.answers.get(request.path)
        if handler is None:
            return web.json_response({}, status=404)
        return await handler(request)


@pytest.fixture
async def services() -> AsyncGenerator[Services]:
    services = Services()
    await services.server.start_server()
    yield services
    await services.server.close()


@pytest.fixture
def standing_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Halt what limits count by: the end of a minute in a test would free some."""
    clock = SimpleNamespace(time=lambda: MIDDLE_OF_A_MINUTE)
    monkeypatch.setattr("limits.aio.storage.memory.time", clock)


def lose_patience(monkeypatch: pytest.MonkeyPatch, *, with_path: str) -> None:
    """Let a panel's time be up at once for the call of this path, and no other's."""
    call = Upstream.call

    def call_impatiently(
        self: Upstream, service: str, path: str, sending: Sending
    ) -> AbstractAsyncContextManager[ClientResponse]:
        if path.partition("?")[0] == with_path:
            assert sending.total_seconds == PANEL_SECONDS
            sending = replace(sending, total_seconds=0.1)
        return call(self, service, path, sending)

    monkeypatch.setattr(Upstream, "call", call_impatiently)


@asynccontextmanager
async def without_broker(services: Services) -> AsyncGenerator[Running]:
    """Run a gateway that hears of nothing."""
    async with running(
        PROCESS,
        amqp_url="amqp://guest:guest@127.0.0.1:9/",
        public_url="https://client.example.com",
        stream_heartbeat_seconds=0.1,
        **{f"{name}_url": services.url for name in SERVICES},
    ) as gateway:
        yield gateway


@pytest.fixture
async def gateway(
    services: Services, amqp_url: str, standing_clock: None
) -> AsyncGenerator[Running]:
    del standing_clock  # requested for what it does
    urls = {f"{name}_url": services.url for name in SERVICES}
    async with running(
        PROCESS,
        amqp_url=amqp_url,
        public_url="https://client.example.com",
        requests_per_minute=50,
        page_timeout_seconds=PANEL_SECONDS,
        panel_timeout_seconds=PANEL_SECONDS,
        stream_heartbeat_seconds=0.2,
        streams_per_user=3,
        maximum_streams=20,
        **urls,
    ) as gateway:
        yield gateway


@pytest.fixture
async def announcer(
    gateway: Running,  # noqa: ARG001 - it hears what is announced
    make_database: MakeDatabase,
    amqp_url: str,
) -> AsyncGenerator[Announcer]:
    """Publishes events as the services do, to a gateway that hears them."""
    async with announcing(make_database, amqp_url) as announcer:
        yield announcer
