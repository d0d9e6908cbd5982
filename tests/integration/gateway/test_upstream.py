"""Services that hang, refuse or stumble: what it costs their callers, and others."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from prometheus_client import REGISTRY

from chassis.client import UpstreamAway
from chassis.http import reader
from contracts.api.notifier import NewsView
from deploy.local.ports import LOOPBACK
from gateway import circuits, upstream
from gateway import services as gateway_services
from gateway.app import PROCESS
from gateway.circuits import FAILURES, CircuitState
from gateway.services import Services as PortalServices
from gateway.services import if_there
from gateway.settings import Settings
from gateway.upstream import (
    CALLS_A_CONNECTION,
    CHUNK_BYTES,
    Sending,
    Upstream,
    open_upstream,
)
from tests.integration.gateway.conftest import SERVICES, Services
from tests.support.leaping import Leaping
from tests.support.polling import until
from tests.support.running import Running, running
from tests.support.tokens import a_customer, token_of

#: Longer than any test takes: beyond it is leapt.
PATIENCE_SECONDS = 100.0
GET = Sending(method="GET", headers={}, total_seconds=PATIENCE_SECONDS)
POST = Sending(
    method="POST", headers={}, total_seconds=PATIENCE_SECONDS, body=lambda: b"{}"
)


class Backend:
    """A service that answers with the statuses it is given, then with 200."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.media_type = "text/plain"
        self.body = b""
        self.asked = 0
        #: The other ends of the connections that were made.
        self.callers: set[object] = set()
        self.is_hung = False
        self._recovered = asyncio.Event()
        self.server = TestServer(self.app())

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        return app

    @property
    def url(self) -> str:
        return str(self.server.make_url("")).rstrip("/")

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        self.callers.add(request.get_extra_info("peername"))
        await request.read()
        if self.is_hung:
            await self._recovered.wait()
        status = self.statuses.pop(0) if self.statuses else 200
        return web.Response(status=status, content_type=self.media_type, body=self.body)

    def recover(self) -> None:
        self.is_hung = False
        self._recovered.set()

    def has(self, asked: int) -> Callable[[], Awaitable[bool]]:
        """Return a question: whether it was asked so often."""

        async def ask() -> bool:
            return self.asked >= asked

        return ask


@pytest.fixture
async def backend() -> AsyncGenerator[Backend]:
    backend = Backend()
    await backend.server.start_server()
    yield backend
    backend.recover()
    await backend.server.close()


@pytest.fixture
def deaf() -> Generator[socket.socket]:
    """A port that refuses connections until somebody listens, and is nobody else's."""
    with socket.socket() as bound:
        bound.bind((LOOPBACK, 0))
        yield bound


@asynccontextmanager
async def reaching(url: str, **more: object) -> AsyncGenerator[Upstream]:
    """Reach all four services at one address."""
    async with open_upstream(settings_for(url, **more)) as reached:
        yield reached


def settings_for(url: str, **more: object) -> Settings:
    urls = {f"{name}_url": url for name in (*SERVICES, "public")}
    return Settings.model_validate({**urls, **more})


@pytest.fixture
async def reached(backend: Backend) -> AsyncGenerator[Upstream]:
    async with reaching(backend.url) as reached:
        yield reached


@pytest.fixture
async def front(
    backend: Backend, services: Services, amqp_url: str
) -> AsyncGenerator[Running]:
    """A gateway whose tickets are the backend."""
    urls = {f"{name}_url": services.url for name in SERVICES}
    async with running(
        PROCESS,
        amqp_url=amqp_url,
        public_url="https://client.example.com",
        service_timeout_seconds=PATIENCE_SECONDS,
        **{**urls, "tickets_url": backend.url},
    ) as front:
        yield front


def bearer() -> dict[str, str]:
    return {"Authorization": f"Bearer {token_of(a_customer())}"}


async def status(front: Running, noun: str) -> int:
    async with front.client.get(f"/api/v1/{noun}", headers=bearer()) as answer:
        return answer.status


async def ask(
    reached: Upstream, sending: Sending = GET, service: str = "billing"
) -> int:
    async with reached.call(service, "/x", sending) as answer:
        return answer.status


def measured(name: str, service: str = "billing") -> float:
    return REGISTRY.get_sample_value(name, {"service": service}) or 0.0


# Retries


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_reading_is_tried_a_second_time_where_the_edge_stumbled(
    reached: Upstream, backend: Backend, status: int
) -> None:
    before = measured("upstream_requests_retried_total")
    backend.statuses = [status]
    assert await ask(reached) == 200
    assert backend.asked == 2
    assert measured("upstream_requests_retried_total") == before + 1


async def test_it_is_tried_no_third_time(reached: Upstream, backend: Backend) -> None:
    backend.statuses = [503, 503]
    with pytest.raises(UpstreamAway):
        await ask(reached)
    assert backend.asked == 2


async def test_what_was_sent_and_might_have_had_its_effect_is_never_sent_again(
    reached: Upstream, backend: Backend
) -> None:
    keyed = Sending(
        method="POST",
        headers={"Idempotency-Key": "k"},
        total_seconds=PATIENCE_SECONDS,
        body=lambda: b"{}",
    )
    for sending in (POST, keyed):
        backend.statuses = [503]
        with pytest.raises(UpstreamAway):
            await ask(reached, sending)
    assert backend.asked == 2


async def test_what_could_not_even_be_sent_is_sent_again(
    backend: Backend, deaf: socket.socket
) -> None:
    listening = asyncio.Event()
    attempts = 0

    def body() -> bytes:
        nonlocal attempts
        attempts += 1
        if attempts == 2:
            deaf.listen()
            listening.set()
        return b"{}"

    sending = replace(POST, body=body)
    async with (
        reaching(f"http://{LOOPBACK}:{deaf.getsockname()[1]}") as reached,
        asyncio.TaskGroup() as tasks,
    ):
        asking = tasks.create_task(ask(reached, sending))
        await listening.wait()
        late = web.AppRunner(backend.app())
        await late.setup()
        await web.SockSite(late, deaf).start()
        assert await asking == 200
        await late.cleanup()
    assert (attempts, backend.asked) == (2, 1)


async def test_there_is_no_retry_for_which_the_time_is_up(
    reached: Upstream, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert GET.total_seconds is not None
    monkeypatch.setattr(upstream, "PAUSE_SECONDS", (GET.total_seconds,) * 2)
    backend.statuses = [503]
    with pytest.raises(UpstreamAway):
        await ask(reached)
    assert backend.asked == 1


# Replicas


async def test_a_service_is_reached_anew_now_and_then_however_busy_the_connection(
    reached: Upstream, backend: Backend
) -> None:
    """Else a replica that comes later would be asked by nobody."""
    for _ in range(2 * CALLS_A_CONNECTION):
        assert await ask(reached) == 200
    assert len(backend.callers) == 2


# Circuits


async def test_a_service_that_refuses_connections_is_soon_not_asked_any_more(
    deaf: socket.socket,
) -> None:
    async with reaching(f"http://{LOOPBACK}:{deaf.getsockname()[1]}") as reached:
        for _ in range(FAILURES):
            with pytest.raises(UpstreamAway):
                await ask(reached, POST)
        assert "billing" in await reached.degraded()
        assert measured("upstream_circuit_state") == CircuitState.OPEN
        retries = measured("upstream_requests_retried_total")
        with pytest.raises(UpstreamAway) as refused:
            await ask(reached, POST)
    assert refused.value.retry_after_seconds >= 1
    assert measured("upstream_requests_retried_total") == retries


async def test_a_problem_that_a_service_tells_is_an_answer(
    reached: Upstream, backend: Backend
) -> None:
    backend.media_type = "application/problem+json"
    for _ in range(FAILURES + 1):
        backend.statuses = [503]
        assert await ask(reached) == 503
    assert measured("upstream_circuit_state") == CircuitState.CLOSED
    assert backend.asked == FAILURES + 1


async def test_a_hung_service_costs_its_callers_little_and_others_nothing(
    front: Running,
    backend: Backend,
    services: Services,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    services.answer("/api/v1/invoices", {"items": []})
    backend.is_hung = True
    time = Leaping()
    async with asyncio.TaskGroup() as tasks:
        asking = [tasks.create_task(status(front, "tickets")) for _ in range(8)]
        await until(backend.has(8))
        assert await status(front, "invoices") == 200
        time.leap(PATIENCE_SECONDS)
    assert [task.result() for task in asking] == [503] * 8
    async with front.client.get("/api/v1/tickets", headers=bearer()) as answer:
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) >= 1
        assert (await answer.json())["type"].endswith("UpstreamAway")
    assert backend.asked == 8
    assert await status(front, "invoices") == 200
    async with front.client.get("/health/ready") as answer:
        assert answer.status == 200
        assert (await answer.json())["degraded"] == ["tickets"]
    backend.recover()
    monkeypatch.setattr(circuits, "OPEN_SECONDS", 0.0)

    async def is_back() -> bool:
        return await status(front, "tickets") == 200

    await until(is_back)
    await until(partial(does_without, front, []))


# Looks


async def test_a_frozen_service_is_named_though_nobody_has_called_it(
    front: Running, backend: Backend
) -> None:
    backend.is_hung = True
    async with front.client.get("/health/ready") as answer:
        assert answer.status == 200
        assert (await answer.json())["degraded"] == ["tickets"]
    assert measured("upstream_circuit_state", "tickets") == CircuitState.CLOSED
    backend.recover()
    await until(partial(does_without, front, []))


async def test_a_service_that_isnt_there_is_named_though_nobody_has_called_it(
    deaf: socket.socket,
) -> None:
    async with reaching(f"http://{LOOPBACK}:{deaf.getsockname()[1]}") as reached:
        assert await reached.degraded() == list(SERVICES)
        assert measured("upstream_circuit_state") == CircuitState.CLOSED


async def test_a_proxy_that_answers_for_a_service_doesnt_make_it_well(
    reached: Upstream, backend: Backend
) -> None:
    backend.statuses = [502] * len(SERVICES)
    assert await reached.degraded() == list(SERVICES)


async def test_however_many_ask_a_service_is_looked_at_once(
    reached: Upstream, backend: Backend
) -> None:
    backend.statuses = [404] * len(SERVICES)
    told = await asyncio.gather(*(reached.degraded() for _ in range(20)))
    assert told == [[]] * 20
    assert await reached.degraded() == []
    assert backend.asked == len(SERVICES)


async def test_who_stops_waiting_for_a_look_leaves_it_to_the_others(
    reached: Upstream, backend: Backend
) -> None:
    backend.is_hung = True
    async with asyncio.TaskGroup() as tasks:
        first, second = (tasks.create_task(reached.degraded()) for _ in range(2))
        await until(backend.has(len(SERVICES)))
        first.cancel()
        backend.recover()
    assert first.cancelled()
    assert second.result() == []


async def does_without(front: Running, degraded: list[str]) -> bool:
    async with front.client.get("/health/ready") as answer:
        return (await answer.json())["degraded"] == degraded


@pytest.mark.parametrize(
    ("media_type", "refusal", "asked"),
    [("application/json", 408, 0), ("multipart/form-data", 503, FAILURES + 1)],
)
async def test_clients_that_stop_sending_cast_no_doubt_on_the_service(
    front: Running,
    backend: Backend,
    monkeypatch: pytest.MonkeyPatch,
    *,
    media_type: str,
    refusal: int,
    asked: int,
) -> None:
    """What is small isn't passed on before it is here; files are, as they come."""
    monkeypatch.setattr(reader, "BODY_SECONDS", 0.1)
    time, may_end = Leaping(), asyncio.Event()

    async def endless() -> AsyncGenerator[bytes]:
        yield b"{"
        await may_end.wait()

    async def send() -> int:
        headers = {**bearer(), "Content-Type": media_type}
        async with front.client.post(
            "/api/v1/tickets", data=endless(), headers=headers
        ) as answer:
            return answer.status

    async with asyncio.TaskGroup() as tasks:
        sending = [tasks.create_task(send()) for _ in range(FAILURES + 1)]
        await until(backend.has(asked))
        if asked:
            time.leap(PATIENCE_SECONDS)
    may_end.set()
    assert [task.result() for task in sending] == [refusal] * (FAILURES + 1)
    assert backend.asked == asked
    assert await status(front, "tickets") == 200


async def test_what_a_page_can_do_without_is_soon_not_asked_for(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway_services, "PATIENCE_SECONDS", PATIENCE_SECONDS)
    backend.is_hung = True
    time = Leaping()
    async with reaching(backend.url) as reached:
        long = settings_for(backend.url, page_timeout_seconds=10 * PATIENCE_SECONDS)
        portals = PortalServices(long, reached)
        caller = portals.caller(None, "en")
        for number in range(FAILURES):
            panel = asyncio.create_task(if_there(caller.get("/tickets", NewsView)))
            await until(backend.has(number + 1))
            time.leap(PATIENCE_SECONDS)
            assert await panel is None
        assert await if_there(caller.get("/tickets", NewsView)) is None
        assert backend.asked == FAILURES


# Bounds


async def test_beyond_its_fill_of_calls_a_service_gets_no_more_at_once(
    backend: Backend,
) -> None:
    before = measured("upstream_requests_shed_total")
    backend.is_hung = True
    async with (
        reaching(backend.url, service_calls_at_once=2) as reached,
        asyncio.TaskGroup() as tasks,
    ):
        waiting = [tasks.create_task(ask(reached)) for _ in range(2)]
        await until(backend.has(2))
        with pytest.raises(UpstreamAway):
            await ask(reached)
        other = tasks.create_task(ask(reached, service="tickets"))
        await until(backend.has(3))
        backend.recover()
        assert [await each for each in (*waiting, other)] == [200] * 3
        assert await ask(reached) == 200
    assert measured("upstream_requests_shed_total") == before + 1


async def test_who_reads_or_sends_a_file_slowly_keeps_no_call_from_its_place(
    backend: Backend,
) -> None:
    async with reaching(backend.url, service_calls_at_once=1) as reached:
        backend.body = b"x" * (CHUNK_BYTES + 1)
        async with reached.call("billing", "/x", GET):
            with pytest.raises(UpstreamAway):
                await ask(reached)
            # It had its effect.
            assert await ask(reached, POST) == 200
            backend.body = b""
            assert await ask(reached) == 200
            slow = replace(POST, has_arrived=lambda: False)
            with pytest.raises(UpstreamAway):
                await ask(reached, slow)
        assert await ask(reached, slow) == 200
