"""Every request has an id, a trace and a cause, and is measured by its route."""

from ipaddress import IPv4Network
from typing import Any
from uuid import UUID

import pytest
from aiohttp import ClientSession
from multidict import CIMultiDict
from prometheus_client import REGISTRY

from chassis.context import current_cause
from chassis.http import Call, Routes, View, public, signed_in
from tests.support.tokens import a_customer, a_staff_member, bearer
from tests.unit.chassis.conftest import Serve

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"

mirror = Routes(tag="mirror")


class CauseView(View):
    cause_id: str
    correlation_id: str
    actor: str
    traceparent: str | None
    address: str | None


def _seen() -> CauseView:
    cause = current_cause()
    return CauseView(
        cause_id=cause.cause_id,
        correlation_id=cause.correlation_id,
        actor=cause.actor,
        traceparent=cause.traceparent,
        address=cause.address,
    )


@mirror.get("/mirror", policy=public())
async def show_cause(_: Call) -> CauseView:
    """Show what caused the call."""
    return _seen()


@mirror.get("/mirror/{name}", policy=signed_in())
async def show_my_cause(_: Call, name: str) -> CauseView:
    """Show what caused the call of somebody."""
    assert name
    return _seen()


async def seen(client: ClientSession, path: str = "", **headers: str) -> dict[str, Any]:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    async with client.get(f"/api/v1/mirror{path}", headers=given) as answer:
        document = await answer.json()
        assert answer.headers["X-Request-Id"] == document["cause_id"]
        return document


async def test_the_gateways_request_id_and_address_are_taken_over(
    serve: Serve,
) -> None:
    cause = await seen(
        await serve(mirror),
        X_Request_Id="0199c0de-cafe-7000-8000-000000000001",
        X_Forwarded_For="10.0.0.1, 203.0.113.9",
    )
    assert cause["cause_id"] == "0199c0de-cafe-7000-8000-000000000001"
    assert cause["correlation_id"] == cause["cause_id"]
    assert cause["address"] == "203.0.113.9"


async def test_the_gateway_itself_believes_nobody(serve: Serve) -> None:
    client = await serve(mirror, behind_gateway=False)
    given = "0199c0de-cafe-7000-8000-000000000001"
    cause = await seen(
        client,
        X_Request_Id=given,
        X_Forwarded_For="203.0.113.9",
        traceparent=f"00-{TRACE}-00f067aa0ba902b7-00",
    )
    assert cause["cause_id"] != given
    assert TRACE not in cause["traceparent"]
    assert cause["address"] == "127.0.0.1"


@pytest.mark.parametrize(
    ("proxies", "address"),
    [("127.0.0.0/8", "203.0.113.9"), ("10.0.0.0/8", "127.0.0.1")],
)
async def test_the_gateway_believes_a_trusted_proxy_about_the_client_alone(
    serve: Serve, proxies: str, address: str
) -> None:
    trusted = [IPv4Network(proxies)]
    client = await serve(mirror, behind_gateway=False, trusted_proxies=trusted)
    given = "0199c0de-cafe-7000-8000-000000000001"
    forwarded = "198.51.100.7, 203.0.113.9"
    cause = await seen(client, X_Request_Id=given, X_Forwarded_For=forwarded)
    assert cause["address"] == address
    assert cause["cause_id"] != given


async def test_what_a_client_says_of_itself_is_not_what_the_proxy_adds_below(
    serve: Serve,
) -> None:
    trusted = [IPv4Network("127.0.0.0/8")]
    client = await serve(mirror, behind_gateway=False, trusted_proxies=trusted)
    given = [("X-Forwarded-For", "198.51.100.7"), ("X-Forwarded-For", "203.0.113.9")]
    async with client.get("/api/v1/mirror", headers=CIMultiDict(given)) as answer:
        assert (await answer.json())["address"] == "203.0.113.9"


@pytest.mark.parametrize("given", ["", "short", "x" * 65, "a b c d e f", "ünïcödé-id"])
async def test_an_odd_request_id_is_replaced(serve: Serve, given: str) -> None:
    cause = await seen(await serve(mirror), X_Request_Id=given)
    assert UUID(cause["cause_id"]).version == 7


@pytest.mark.parametrize("given", ["<script>", "203.0.113.9,", "x" * 100])
async def test_an_odd_address_is_not_taken_over(serve: Serve, given: str) -> None:
    cause = await seen(await serve(mirror), X_Forwarded_For=given)
    assert cause["address"] == "127.0.0.1"


async def test_the_callers_trace_goes_on(serve: Serve) -> None:
    given = f"00-{TRACE}-00f067aa0ba902b7-01"
    cause = await seen(await serve(mirror), traceparent=given)
    assert cause["traceparent"].split("-")[1] == TRACE


async def test_the_token_tells_the_actor(serve: Serve) -> None:
    client = await serve(mirror)
    customer, member = a_customer(), a_staff_member()
    assert (await seen(client))["actor"] == "anonymous"
    for caller in (customer, member):
        cause = await seen(client, "/me", **bearer(caller))
        assert cause["actor"] == f"{caller.kind}:{caller.user_id}"


def count(method: str, route: str, status: str) -> float:
    labels = {"method": method, "route": route, "status": status}
    return REGISTRY.get_sample_value("http_requests_total", labels) or 0


async def test_requests_are_counted_by_route_and_not_by_path(serve: Serve) -> None:
    client = await serve(mirror)
    template = "/api/v1/mirror/{name}"
    before = count("GET", template, "401")
    for name in ("one", "two"):
        async with client.get(f"/api/v1/mirror/{name}"):
            pass
    assert count("GET", template, "401") == before + 2


async def test_what_clients_invent_makes_no_new_labels(serve: Serve) -> None:
    client = await serve(mirror)
    before = count("other", "unknown", "404")
    async with client.request("PROPFIND", "/coffee"):
        pass
    assert count("other", "unknown", "404") == before + 1
