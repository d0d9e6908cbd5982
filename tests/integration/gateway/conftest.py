"""A gateway in front of services that answer as the test wants."""

from collections.abc import AsyncGenerator, Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.app import PROCESS
from tests.conftest import MakeDatabase
from tests.integration.gateway.announcing import Announcer, announcing
from tests.support.running import Running, running

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
SERVICES = ("accounts", "billing", "tickets", "notifier")


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
async def gateway(services: Services, amqp_url: str) -> AsyncGenerator[Running]:
    urls = {f"{name}_url": services.url for name in SERVICES}
    async with running(
        PROCESS,
        amqp_url=amqp_url,
        public_url="https://client.example.com",
        requests_per_minute=50,
        panel_timeout_seconds=0.3,
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
