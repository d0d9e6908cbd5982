"""What ends a live stream, and how many there may be."""

import asyncio
from contextlib import AsyncExitStack
from functools import partial

import pytest
from prometheus_client import REGISTRY

from chassis.http import server
from chassis.tokens import LIFETIME
from gateway.settings import SETTINGS
from gateway.stream import STREAMS
from tests.integration.gateway.announcing import Announcer
from tests.integration.gateway.conftest import Services, without_broker
from tests.integration.gateway.happenings import a_session_ended, a_ticket_answered
from tests.integration.gateway.listening import (
    HEAR_SECONDS,
    customer_of,
    listening,
    listening_badly,
)
from tests.support.arrivals import envelope_of
from tests.support.leaping import Leaping
from tests.support.polling import until
from tests.support.running import Running
from tests.support.tokens import a_customer, bearer


async def test_an_ended_session_ends_its_streams_and_opens_no_other(
    gateway: Running, announcer: Announcer
) -> None:
    somebody = a_customer()
    elsewhere = a_customer(user_id=somebody.user_id, customer_id=customer_of(somebody))
    async with (
        listening(gateway.client, somebody) as ended,
        listening(gateway.client, somebody) as ended_too,
        listening(gateway.client, elsewhere) as going_on,
    ):
        await announcer.announce(
            a_session_ended(somebody.session_id, user_id=somebody.user_id)
        )
        await ended.end()
        await ended_too.end()
        await going_on.heartbeat()
    async with gateway.client.get("/api/v1/stream", headers=bearer(somebody)) as answer:
        assert answer.status == 401


async def test_a_stream_ends_with_its_token(services: Services) -> None:
    time = Leaping()
    async with (
        without_broker(services) as gateway,
        listening(gateway.client, a_customer()) as ear,
    ):
        time.leap(LIFETIME.total_seconds() / 2)
        await ear.heartbeat()
        time.leap(LIFETIME.total_seconds() / 2)
        await ear.end()


@pytest.fixture
def patient_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the server wait longer for requests than tests wait for it."""
    monkeypatch.setattr(server, "SHUTDOWN_SECONDS", 2 * HEAR_SECONDS)


@pytest.mark.usefixtures("patient_server")
async def test_streams_end_promptly_when_the_gateway_stops(gateway: Running) -> None:
    somebody = a_customer()
    streams = gateway.resources[STREAMS]
    async with (
        listening(gateway.client, somebody) as ear,
        listening_badly(gateway, somebody),
    ):
        for _ in range(1000):  # more than the second one's connection can hold
            answered = a_ticket_answered(customer_of(somebody))
            streams.tell(envelope_of(answered), answered)
            await asyncio.sleep(0)
        async with asyncio.timeout(HEAR_SECONDS):
            await gateway.stop()
        await ear.end()


async def test_a_user_has_so_many_streams_and_a_closed_one_makes_room(
    gateway: Running,
) -> None:
    somebody = a_customer()
    async with (
        listening(gateway.client, somebody),
        listening(gateway.client, somebody),
    ):
        async with listening(gateway.client, somebody):
            status, problem, retry_after = await refused(gateway, bearer(somebody))
            assert (status, problem) == (429, "TooManyStreams")
            assert retry_after > 0
            async with listening(gateway.client, a_customer()):
                pass
        await until(partial(are_open, 2))
        async with listening(gateway.client, somebody):
            pass


async def test_a_full_gateway_asks_to_come_back_later(gateway: Running) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(gateway.resources[SETTINGS].maximum_streams):
            await stack.enter_async_context(listening(gateway.client, a_customer()))
        status, problem, retry_after = await refused(gateway, bearer(a_customer()))
        assert (status, problem) == (503, "NoStreamLeft")
        assert retry_after > 0


@pytest.mark.parametrize("metric", ["streams_open", "stream_resets_total"])
async def test_streams_are_measured(gateway: Running, metric: str) -> None:
    async with listening(gateway.client, a_customer(), after="nowhere") as ear:
        assert (await ear.next()).event == "reset"
        async with gateway.client.get("/metrics") as answer:
            assert metric in await answer.text()


async def refused(gateway: Running, headers: dict[str, str]) -> tuple[int, str, int]:
    async with gateway.client.get("/api/v1/stream", headers=headers) as answer:
        problem = await answer.json()
        kind = problem["type"].rpartition("#")[2]
        return answer.status, kind, int(answer.headers["Retry-After"])


async def are_open(streams: int) -> bool:
    return REGISTRY.get_sample_value("streams_open") == streams
