"""One process asks another: with the cause carried along, and never for long."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from chassis.client import ServiceClient, UpstreamAway, open_client
from chassis.context import Cause, because_of
from chassis.http import Call, Response, Routes, View, public, server, serving
from tests.unit.chassis.conftest import an_app

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CAUSE = Cause(
    cause_id="0199c0de-cafe-7000-8000-000000000001",
    correlation_id="0199c0de-cafe-7000-8000-000000000001",
    actor="anonymous",
    traceparent=f"00-{TRACE}-00f067aa0ba902b7-01",
    address="203.0.113.9",
)


#: For what takes no time, unless the machine is busy.
PATIENCE_SECONDS = 60


class SeenView(View):
    headers: dict[str, str]


far = Routes(tag="far", prefix="")


@far.get("/seen", policy=public())
async def show_seen(call: Call) -> SeenView:
    """Show the headers that came."""
    return SeenView(headers={k.lower(): v for k, v in call.request.headers.items()})


@far.get("/slow", policy=public())
async def be_slow(_: Call) -> SeenView:
    """Take longer than anybody waits."""
    await asyncio.sleep(PATIENCE_SECONDS)
    return SeenView(headers={})


@far.get("/garbage", policy=public(), media_type="application/json")
async def say_garbage(_: Call) -> Response:
    """Say what is no JSON."""
    return Response(body=b"{", content_type="application/json")


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    monkeypatch.setattr(server, "SHUTDOWN_SECONDS", 0.1)
    async with serving(an_app(far), host="127.0.0.1", port=0) as port:
        yield port


@pytest.fixture
async def client(port: int) -> AsyncIterator[ServiceClient]:
    async with open_client(
        f"http://127.0.0.1:{port}/", total_seconds=PATIENCE_SECONDS
    ) as client:
        yield client


async def test_the_cause_is_carried_along(client: ServiceClient) -> None:
    with because_of(CAUSE):
        headers = (await client.get_json("/seen"))["headers"]
    assert headers["x-request-id"] == CAUSE.cause_id
    assert headers["x-forwarded-for"] == CAUSE.address
    assert headers["traceparent"] == CAUSE.traceparent
    assert "authorization" not in headers


@pytest.mark.parametrize("path", ["/garbage", "/nowhere"])
async def test_no_usable_answer_means_that_the_other_is_away(
    client: ServiceClient, path: str
) -> None:
    with pytest.raises(UpstreamAway):
        await client.get_json(path)


async def test_no_answer_in_time_means_that_the_other_is_away(port: int) -> None:
    address = f"http://127.0.0.1:{port}/"
    async with open_client(address, total_seconds=0.1) as client:
        with pytest.raises(UpstreamAway):
            await client.get_json("/slow")


async def test_nobody_there_means_that_the_other_is_away() -> None:
    async with open_client("http://127.0.0.1:1") as client:
        with pytest.raises(UpstreamAway):
            await client.get_json("/")
