"""Whatever goes wrong is told as a problem document that names what is at fault."""

import io
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import ClientSession

from tests.support.tokens import a_customer, a_staff_member, bearer
from tests.unit.chassis.conftest import Serve
from tests.unit.chassis.things import things


@pytest.fixture
async def client(serve: Serve) -> ClientSession:
    return await serve(things)


async def problem(
    client: ClientSession, method: str, path: str, status: int, **options: Any
) -> dict[str, Any]:
    """Ask, and return the problem document, having checked what all have in common."""
    async with client.request(method, path, **options) as answer:
        document = await answer.json(content_type="application/problem+json")
        assert answer.status == status
        assert document["status"] == status
        assert document["request_id"] == answer.headers["X-Request-Id"]
        assert document["type"].startswith("/api/docs/problems#")
        assert document["title"]
        assert document["detail"]
        assert document["instance"] == answer.url.raw_path
        return document


async def faults(client: ClientSession, body: dict[str, Any]) -> dict[str, str]:
    """Post the body and return the faults found, by field."""
    document = await problem(client, "POST", "/api/v1/things", 422, json=body)
    return faults_of(document)


def faults_of(document: dict[str, Any]) -> dict[str, str]:
    return {fault["field"]: fault["message"] for fault in document["errors"]}


async def test_an_error_of_ours_gives_its_name_title_and_detail(
    client: ClientSession,
) -> None:
    caller, id_ = a_staff_member("things.shake"), uuid4()
    document = await problem(
        client, "POST", f"/api/v1/things/{id_}/shake", 409, headers=bearer(caller)
    )
    assert document["type"].endswith("#ThingIsStuck")
    assert document["title"] == "The thing is stuck"
    assert document["detail"] == f"thing {id_} is stuck"
    text = {"template": "thing {thing} is stuck", "values": {"thing": str(id_)}}
    assert {name: document[name] for name in text} == text
    assert document["errors"] == [
        {"field": "thing_id", "message": f"thing {id_} is stuck", **text}
    ]


async def test_an_unknown_error_tells_nothing_but_the_request(
    client: ClientSession,
) -> None:
    document = await problem(client, "GET", "/api/v1/failures/other", 500)
    assert "secret" not in str(document)
    assert "errors" not in document


async def test_an_unknown_path_is_not_found(client: ClientSession) -> None:
    document = await problem(client, "GET", "/api/v1/nothing", 404)
    assert document["type"].endswith("#NotFound")


async def test_a_wrong_method_is_told_the_right_ones(client: ClientSession) -> None:
    await problem(client, "PUT", "/api/v1/things", 405)
    async with client.put("/api/v1/things") as answer:
        assert answer.headers["Allow"] == "GET,HEAD,POST"


@pytest.mark.parametrize(
    ("kind", "status", "seconds"), [("busy", 429, "7"), ("away", 503, "1")]
)
async def test_whoever_shall_come_back_is_told_when(
    client: ClientSession, kind: str, status: int, seconds: str
) -> None:
    await problem(client, "GET", f"/api/v1/failures/{kind}", status)
    async with client.get(f"/api/v1/failures/{kind}") as answer:
        assert answer.headers["Retry-After"] == seconds


@pytest.mark.parametrize(
    ("body", "field", "message"),
    [
        ({}, "name", "is required"),
        ({"name": ""}, "name", "must have at least 1 character"),
        ({"name": "x" * 201}, "name", "must have at most 200 characters"),
        ({"name": 7}, "name", "must be a text"),
        ({"name": None}, "name", "must be a text"),
        ({"name": "a\0b"}, "name", "must not contain NUL or lone surrogates"),
        ({"name": "x", "nam": 1}, "nam", "is not a known field"),
        ({"name": "x", "size": "1"}, "size", "must be a whole number"),
        ({"name": "x", "size": 1.5}, "size", "must be a whole number"),
        ({"name": "x", "size": True}, "size", "must be a whole number"),
        ({"name": "x", "size": 0}, "size", "must be at least 1"),
        ({"name": "x", "size": 10}, "size", "must be at most 9"),
        ({"name": "x", "colour": "green"}, "colour", "must be one of red, blue"),
        ({"name": "x", "owner": "me"}, "owner", "must be an id (UUID)"),
        ({"name": "x", "parts": {}}, "parts", "must be a list"),
        ({"name": "x", "parts": [7]}, "parts.0", "must be an object"),
        (
            {"name": "x", "parts": [{"name": "x"}] * 4},
            "parts",
            "must have at most 3 items",
        ),
        (
            {"name": "x", "parts": [{"name": "x"}, {"name": "x" * 11}]},
            "parts.1.name",
            "must have at most 10 characters",
        ),
        (
            {"name": "x", "parts": [{"name": "x", "made_on": "0"}]},
            "parts.0.made_on",
            "must be a date like 2026-12-01",
        ),
        (
            {"name": "x", "parts": [{"name": "x", "made_on": "2026-02-30"}]},
            "parts.0.made_on",
            "must be a date like 2026-12-01",
        ),
        *(
            (
                {"name": "x", "seen_at": wrong},
                "seen_at",
                "must be an instant like 2026-12-01T09:30:00Z",
            )
            for wrong in (0, "0", "1.5", "soon", "0001-01-01T00:00:00+23:59")
        ),
        (
            {"name": "x", "seen_at": "2026-12-01T09:30:00"},
            "seen_at",
            "must be an instant with its offset, like 2026-12-01T09:30:00Z",
        ),
    ],
)
async def test_a_wrong_field_is_named_with_its_limit(
    client: ClientSession, body: dict[str, Any], field: str, message: str
) -> None:
    assert await faults(client, body) == {field: message}


async def test_all_wrong_fields_are_named_at_once(client: ClientSession) -> None:
    assert set(await faults(client, {"size": 0, "x": 1})) == {"name", "size", "x"}


async def test_a_name_as_long_as_the_body_is_cut_in_the_answer(
    client: ClientSession,
) -> None:
    assert max(map(len, await faults(client, {"name": "x", "y" * 9000: 1}))) == 200


@pytest.mark.parametrize(
    ("query", "field", "message"),
    [
        ("limit=0", "limit", "must be at least 1"),
        ("limit=101", "limit", "must be at most 100"),
        ("limit=ten", "limit", "must be a whole number"),
        ("limit=" + "9" * 5000, "limit", "must be a whole number with fewer digits"),
        ("limit=1&limit=2", "limit", "is given more than once"),
        ("count=maybe", "count", "must be true or false"),
        ("colour=green", "colour", "must be one of red, blue"),
        ("colour=", "colour", "must be one of red, blue"),
        ("since=0", "since", "must be a date like 2026-12-01"),
        ("cursor=a%00", "cursor", "must not contain NUL or lone surrogates"),
        ("cursor=" + "x" * 501, "cursor", "must have at most 500 characters"),
        ("page=2", "page", "is not a known field"),
    ],
)
async def test_a_wrong_parameter_is_named_with_its_limit(
    client: ClientSession, query: str, field: str, message: str
) -> None:
    document = await problem(client, "GET", f"/api/v1/things?{query}", 422)
    assert faults_of(document) == {field: message}


async def test_a_parameter_is_refused_where_none_is_known(
    client: ClientSession,
) -> None:
    path = f"/api/v1/things/{uuid4()}?x=1"
    document = await problem(client, "GET", path, 422, headers=bearer(a_customer()))
    assert faults_of(document) == {"x": "is not a known parameter"}


@pytest.mark.parametrize("id_", ["7", "nope", "%00", "%ff", "%ED%A0%80", "..%2f"])
async def test_an_id_that_is_none_is_named(client: ClientSession, id_: str) -> None:
    document = await problem(
        client, "GET", f"/api/v1/things/{id_}", 422, headers=bearer(a_customer())
    )
    assert [fault["field"] for fault in document["errors"]] == ["thing_id"]


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b"{}", "text/plain", 415),
        (b"{}", "application/xml", 415),
        (b"{}", "application/x-www-form-urlencoded", 415),
        (b"{}", "application/json; charset=latin-1", 415),
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"[1]", "application/json; charset=UTF-8", 422),
        (b'"text"', "application/json", 422),
        (io.BytesIO(b" " * (1024 * 1024 + 1)), "application/json", 413),
    ],
)
async def test_a_body_that_is_not_json_is_refused(
    client: ClientSession, content: bytes | io.BytesIO, media_type: str, status: int
) -> None:
    headers = {"Content-Type": media_type}
    options = {"data": content, "headers": headers}
    await problem(client, "POST", "/api/v1/things", status, **options)


async def test_a_body_without_a_type_is_refused(client: ClientSession) -> None:
    async with client.post(
        "/api/v1/things", data=b"{}", skip_auto_headers=["Content-Type"]
    ) as answer:
        assert answer.status == 415


async def test_a_body_that_hides_its_size_ends_at_the_limit(
    client: ClientSession,
) -> None:
    async def endless() -> Any:
        while True:
            yield b" " * 65536

    headers = {"Content-Type": "application/json"}
    async with client.post("/api/v1/things", data=endless(), headers=headers) as answer:
        assert answer.status == 413


async def test_a_compressed_body_is_refused(client: ClientSession) -> None:
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    options = {"data": b"\x1f\x8b", "headers": headers}
    await problem(client, "POST", "/api/v1/things", 415, **options)


async def test_a_body_that_no_route_reads_is_not_silently_ignored(
    client: ClientSession,
) -> None:
    path = f"/api/v1/things/{uuid4()}"
    headers = bearer(a_customer())
    document = await problem(
        client, "DELETE", path, 422, headers=headers, json={"force": True}
    )
    assert faults_of(document) == {"force": "is not a known field"}
    async with client.delete(path, headers=headers, json={}) as answer:
        assert (answer.status, await answer.read()) == (204, b"")
