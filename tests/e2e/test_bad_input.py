"""Bad input to every field of every route: a problem that names the field, never a 5xx.

The routes and their fields come from the published OpenAPI document alone.
"""

import io
import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from tests.e2e.client import PROOF, Api, Json
from tests.e2e.journey import (
    Customer,
    choose_transfer,
    order,
    register,
    send_proof,
)
from tests.e2e.stack import Stack
from tests.support.texts import placeholders, templates

JSON = "application/json"

TEMPLATES = templates()
METHODS = ("post", "put", "patch")
#: Each is wrong for nearly every field; one that a schema allows is passed over.
WRONG_VALUES: tuple[Any, ...] = (
    {"deeply": ["wrong"]},
    12.5,
    True,
    "x" * 30_000,
    "\x00",
    "\ud800",
    [],
)


def resolve(document: Json, schema: Json) -> Json:
    while "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        schema = document["components"]["schemas"][name]
    return schema


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    """Return method, path and body schema of every operation that takes JSON."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            content = operation.get("requestBody", {}).get("content", {})
            if method in METHODS and "application/json" in content:
                schema = content["application/json"]["schema"]
                yield method.upper(), path, resolve(document, schema)


def accepts(document: Json, schema: Json, value: Any) -> bool:
    """Whether the schema is loose enough to allow the value's JSON type."""
    schema = resolve(document, schema)
    branches = schema.get("anyOf") or schema.get("oneOf") or [schema]
    kinds: list[tuple[type[object], str]] = [
        (dict, "object"),
        (bool, "boolean"),
        (float, "number"),
        (list, "array"),
        (str, "string"),
    ]
    kind = next(name for type_, name in kinds if isinstance(value, type_))
    return any(resolve(document, branch).get("type") == kind for branch in branches)


async def send(
    api: Api, method: str, path: str, content: bytes = b"", media_type: str = JSON
) -> tuple[int, Any]:
    """Send exactly these bytes; return the status, and the problem if it is one."""
    url = f"{api.url}{path}"
    headers = {"Authorization": f"Bearer {api.token}"}
    if content or method in ("POST", "PUT", "PATCH"):
        headers["Content-Type"] = media_type
    async with api.http.request(
        method, url, data=io.BytesIO(content) if content else None, headers=headers
    ) as answer:
        is_problem = answer.content_type == "application/problem+json"
        problem = await answer.json() if is_problem else None
        if problem:
            check_translatable(problem)
        return answer.status, problem


def check_translatable(problem: Json) -> None:
    """Whatever is told can be said in other languages, with all its values."""
    for told in (problem, *problem.get("errors", [])):
        assert told["template"] in TEMPLATES, told
        assert placeholders(told["template"]) == told["values"].keys(), told


def filled(path: str) -> str:
    """Put an id that nobody has into every placeholder."""
    head, *rest = path.split("{")
    return head + "".join(str(uuid4()) + part.partition("}")[2] for part in rest)


async def callers(stack: Stack) -> tuple[Customer, dict[bool, Api]]:
    customer = await register(stack.api)
    admin = await stack.staff("admin")
    return customer, {True: admin, False: customer.api}


async def test_every_field_of_every_body_is_checked_and_named(stack: Stack) -> None:
    document = await stack.api.get("/openapi.json")
    _, caller = await callers(stack)
    checked = 0
    for method, path, schema in operations(document):
        api = caller["/staff/" in path]
        target = filled(path)
        for name, field in schema.get("properties", {}).items():
            for value in WRONG_VALUES:
                if accepts(document, field, value) and not isinstance(value, str):
                    continue
                content = json.dumps({name: value}).encode()
                status, problem = await send(api, method, target, content)
                where = f"{method} {path} {name}={str(value)[:20]!r}"
                assert status in (400, 404, 422), (where, status, problem)
                assert problem, where
                if status == 422:
                    named = [error["field"] for error in problem["errors"]]
                    assert any(each.split(".")[0] == name for each in named), (
                        where,
                        named,
                    )
                checked += 1
    assert checked > 200


async def test_missing_and_unknown_fields_are_named(stack: Stack) -> None:
    document = await stack.api.get("/openapi.json")
    _, caller = await callers(stack)
    for method, path, schema in operations(document):
        api = caller["/staff/" in path]
        body = b'{"no_such_field": 1}'
        status, problem = await send(api, method, filled(path), body)
        assert status == 422, (method, path, status, problem)
        named = {error["field"] for error in problem["errors"]}
        assert "no_such_field" in named
        assert set(schema.get("required", ())) <= {n.split(".")[0] for n in named}, path


async def test_unreadable_bodies_are_refused_before_anything_else(
    stack: Stack,
) -> None:
    document = await stack.api.get("/openapi.json")
    _, caller = await callers(stack)
    bodies = {
        b"[" * 100_000: 400,
        b'{"a": NaN}': 400,
        b'{"a": 1e999}': 400,
        b'{"a": 1, "a": 2}': 400,
        b"\xff\xfe": 400,
        b"": 400,
        b"{": 400,
        b" " * (1024 * 1024 + 1): 413,
    }
    for method, path, _ in operations(document):
        api = caller["/staff/" in path]
        for body, expected in bodies.items():
            status, problem = await send(api, method, filled(path), body)
            assert status == expected, (method, path, body[:20], status, problem)
        status, _ = await send(api, method, filled(path), b"{}", "text/plain")
        assert status == 415, (method, path)


async def test_bad_queries_and_paths_are_refused(stack: Stack) -> None:
    document = await stack.api.get("/openapi.json")
    _, caller = await callers(stack)

    async def refused(path: str, query: str, api: Api) -> None:
        status, problem = await send(api, "GET", f"{path}?{query}")
        assert status in (400, 422), (path, query, status, problem)

    for path, item in document["paths"].items():
        parameters = item.get("get", {}).get("parameters", [])
        names = {p["name"] for p in parameters if p["in"] == "query"}
        api = caller["/staff/" in path]
        if "limit" in names:
            for query in ("limit=0", "limit=101", "limit=x", "cursor=%00", "nope=1"):
                await refused(filled(path), query, api)
        if "status" in names:
            await refused(filled(path), "status=nonsense", api)
        if "{" in path and "get" in item and path.count("{") == 1:
            bad = path.partition("{")[0] + "not-an-id" + path.partition("}")[2]
            status, _ = await send(api, "GET", bad)
            assert status in (404, 422), (bad, status)


async def test_files_are_checked_and_a_refused_one_opens_no_ticket(
    stack: Stack,
) -> None:
    customer = await register(stack.api)
    refused = {
        ("run.exe", b"MZ" + b"\0" * 100): 422,
        ("fake.png", b"this is no picture"): 422,
        ("empty.txt", b""): 422,
        ("page.html", b"<script>alert(1)</script>"): 422,
        ("a" * 151 + ".txt", b"long name"): 422,
        ("big.txt", b"x" * (10 * 1024 * 1024 + 1)): 413,
    }
    for (name, content), expected in refused.items():
        status, problem = await customer.api.try_call(
            "POST", "/attachments", file=(name, content, "image/png")
        )
        assert status == expected, (name, status, problem)
        if expected == 422:
            assert problem["errors"][0]["field"] == "file"
    status, problem = await customer.api.try_call(
        "POST",
        "/tickets",
        {
            "department": "support",
            "subject": "With a file that was refused",
            "message": "See the file",
            "priority": "low",
            "attachment_ids": [str(uuid4())],
        },
    )
    assert status == 422
    assert problem["errors"][0]["field"].startswith("attachment_ids")
    assert (await customer.api.get("/tickets?count=true"))["total"] == 0


async def test_nothing_of_somebody_else_is_there(stack: Stack) -> None:
    """Every object route, asked with another customer's token, answers 404."""
    document = await stack.api.get("/openapi.json")
    owner, stranger = await register(stack.api), await register(stack.api)
    objects = await belongings(owner)
    asked = 0
    for path, item in document["paths"].items():
        noun = path.removeprefix("/api/v1/").partition("/")[0]
        if path.count("{") != 1 or noun not in objects:
            continue
        target = path.partition("{")[0] + objects[noun] + path.partition("}")[2]
        for method in map(str.upper, item):
            content = body_for(item[method.lower()])
            status, problem = await send(stranger.api, method, target, content)
            assert status == 404, (method, path, status, problem)
            asked += 1
    assert asked >= 12


async def belongings(owner: Customer) -> dict[str, str]:
    """Make one object of each kind that has an address."""
    placed = await order(owner)
    payment = await choose_transfer(owner, placed["invoice_id"])
    ticket = await send_proof(owner, placed["invoice_id"])
    file = await owner.api.upload("mine.png", PROOF, "image/png")
    sessions = (await owner.api.get("/sessions"))["items"]
    return {
        "orders": placed["id"],
        "services": placed["service_ids"][0],
        "invoices": placed["invoice_id"],
        "payments": payment["id"],
        "tickets": ticket["id"],
        "attachments": file["id"],
        "sessions": sessions[0]["id"],
    }


def body_for(operation: Json) -> bytes:
    """Return a body that passes the shape check, so that ownership is what refuses."""
    content = operation.get("requestBody", {}).get("content", {})
    if "WriteMessage" in str(content):
        return b'{"message": "hello"}'
    return b"{}" if JSON in content else b""
