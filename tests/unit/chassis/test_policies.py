"""Every route says who may call it, and nobody else gets through."""

from uuid import UUID, uuid4

import pytest
from aiohttp import ClientSession

from chassis.errors import NotFound
from chassis.http import Call, Principal, Routes, View, public
from chassis.http.routes import MisdeclaredRoute
from tests.support.tokens import a_customer, a_staff_member, bearer
from tests.unit.chassis.conftest import Serve, an_app
from tests.unit.chassis.things import things


@pytest.fixture
async def client(serve: Serve) -> ClientSession:
    return await serve(things)


async def answer_to(
    client: ClientSession, headers: dict[str, str]
) -> tuple[int, str | None]:
    async with client.get(f"/api/v1/things/{uuid4()}", headers=headers) as answer:
        return answer.status, answer.headers.get("WWW-Authenticate")


async def test_without_a_token_one_is_asked_for(client: ClientSession) -> None:
    assert await answer_to(client, {}) == (401, "Bearer")


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Basic eDp5", "Bearer x.y.z"])
async def test_a_bad_token_is_told_so(client: ClientSession, header: str) -> None:
    status, challenge = await answer_to(client, {"Authorization": header})
    assert (status, challenge) == (401, 'Bearer error="invalid_token"')


@pytest.mark.parametrize(
    ("caller", "status"),
    [
        (a_customer("billing"), 200),
        (a_customer("billing", "tickets"), 200),
        (a_customer("tickets"), 403),
        (a_customer("things.read"), 403),
        (a_staff_member("things.read"), 200),
        (a_staff_member("billing"), 403),
        (a_staff_member(), 403),
    ],
)
async def test_kind_and_permission_both_count(
    client: ClientSession, caller: Principal, status: int
) -> None:
    assert await answer_to(client, bearer(caller)) == (status, None)


async def test_a_public_route_is_open_even_with_a_stale_token(
    client: ClientSession,
) -> None:
    headers = {"Authorization": "Bearer stale"}
    async with client.get("/api/v1/things", headers=headers) as answer:
        assert answer.status == 200


async def test_nobody_learns_what_is_wrong_with_a_request_they_may_not_make(
    client: ClientSession,
) -> None:
    async with client.get("/api/v1/things/not-an-id?x=1") as answer:
        assert answer.status == 401


class Empty(View):
    pass


def test_a_route_without_a_policy_stops_the_start() -> None:
    routes = Routes(tag="x")
    with pytest.raises(MisdeclaredRoute, match="GET /api/v1/x declares no policy"):
        routes.get("/x")  # pyright: ignore[reportCallIssue] - the claim


def test_a_route_whose_path_and_handler_differ_stops_the_start() -> None:
    routes = Routes(tag="x")
    with pytest.raises(MisdeclaredRoute, match="differ in parameters"):

        @routes.get("/x/{x_id}", policy=public())
        async def show(_: Call, y_id: UUID) -> Empty:
            """Show."""
            raise NotFound(str(y_id))


def test_a_route_without_a_docstring_stops_the_start() -> None:
    routes = Routes(tag="x")
    with pytest.raises(MisdeclaredRoute, match="has no docstring"):

        @routes.get("/x", policy=public())
        async def show(_: Call) -> Empty:
            return Empty()


def test_a_body_that_is_no_body_stops_the_start() -> None:
    routes = Routes(tag="x")
    with pytest.raises(MisdeclaredRoute, match="is not a Body"):

        @routes.post("/x", policy=public())
        async def make(_: Call, body: Empty) -> Empty:
            """Make."""
            return body


def test_two_routes_at_one_place_stop_the_start() -> None:
    routes = Routes(tag="x")

    @routes.get("/x/{x_id}", policy=public())
    async def show(_: Call, x_id: UUID) -> Empty:
        """Show."""
        raise NotFound(str(x_id))

    @routes.get("/x/{y_id}", policy=public())
    async def show_too(_: Call, y_id: UUID) -> Empty:
        """Show."""
        raise NotFound(str(y_id))

    with pytest.raises(MisdeclaredRoute, match="declared twice"):
        an_app(routes)


def test_two_routes_of_one_name_stop_the_start() -> None:
    with pytest.raises(MisdeclaredRoute, match="list_things is declared twice"):
        an_app(things, things)
