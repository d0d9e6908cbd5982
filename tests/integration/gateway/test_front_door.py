"""What the front door lets through, refuses and adds."""

import asyncio
import gzip
import io
from datetime import timedelta

import pytest
from aiohttp import FormData, web
from yarl import URL

from chassis.http import MAXIMUM_BODY_BYTES
from gateway.proxy import MAXIMUM_UPLOAD_BYTES
from tests.integration.gateway.conftest import Services
from tests.support.running import Running
from tests.support.tokens import a_customer, token_of


def bearer() -> dict[str, str]:
    return {"Authorization": f"Bearer {token_of(a_customer())}"}


async def test_a_call_reaches_its_owner_with_what_it_needs_and_nothing_else(
    gateway: Running, services: Services
) -> None:
    services.answer("/api/v1/orders", {"id": "1"}, status=201)
    async with gateway.client.post(
        URL("/api/v1/orders?x=%2F", encoded=True),
        json={"items": []},
        headers={
            **bearer(),
            "Idempotency-Key": "k1",
            "Cookie": "a=b",
            "X-Forwarded-For": "6.6.6.6",
            "X-Request-Id": "chosen-by-the-client",
        },
    ) as answer:
        assert answer.status == 201
        assert await answer.json() == {"id": "1"}
        request_id = answer.headers["X-Request-Id"]
    [call] = services.calls
    assert services.bodies == [b'{"items": []}']
    assert call.raw_path == "/api/v1/orders?x=%2F"
    assert call.headers["Idempotency-Key"] == "k1"
    assert call.headers["X-Forwarded-For"] == "127.0.0.1"
    assert call.headers["X-Request-Id"] == request_id != "chosen-by-the-client"
    assert "Cookie" not in call.headers
    assert call.headers["traceparent"]


async def test_a_bad_token_goes_no_further(
    gateway: Running, services: Services
) -> None:
    async with gateway.client.get(
        "/api/v1/invoices", headers={"Authorization": "Bearer nonsense"}
    ) as answer:
        assert answer.status == 401
        assert answer.content_type == "application/problem+json"
    assert services.calls == []


async def test_a_stale_token_keeps_nobody_from_what_is_open_to_all(
    gateway: Running, services: Services
) -> None:
    services.answer("/api/v1/sessions/refresh", {"access_token": "fresh"})
    stale = token_of(a_customer(), lifetime=timedelta(seconds=-60))
    async with gateway.client.post(
        "/api/v1/sessions/refresh",
        json={"refresh_token": "r"},
        headers={"Authorization": f"Bearer {stale}"},
    ) as answer:
        assert answer.status == 200
        assert await answer.json() == {"access_token": "fresh"}


async def test_an_unknown_path_is_a_problem_document(gateway: Running) -> None:
    async with gateway.client.get("/api/v1/nothing/here") as answer:
        assert answer.status == 404
        assert (await answer.json())["type"].endswith("NoSuchPath")


async def test_a_target_that_is_a_whole_address_means_its_path(
    gateway: Running, services: Services
) -> None:
    services.answer("/api/v1/products", {"items": []})
    async with gateway.client.get("/health/live") as answer:
        here = answer.url.origin()
    # So are targets written when one asks through a proxy.
    async with gateway.client.get(
        "http://elsewhere.example/api/v1/products?limit=1", proxy=here
    ) as answer:
        assert answer.status == 200
    [call] = services.calls
    assert call.raw_path == "/api/v1/products?limit=1"


async def test_a_service_hears_that_a_body_is_compressed(
    gateway: Running, services: Services
) -> None:
    async with gateway.client.post(
        "/api/v1/orders",
        data=gzip.compress(b"{}"),
        headers={"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ):
        [call] = services.calls
        assert call.headers["Content-Encoding"] == "gzip"


async def test_a_service_that_is_away_is_503_with_retry_after(
    gateway: Running, services: Services
) -> None:
    await services.server.close()
    async with gateway.client.get("/api/v1/products") as answer:
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "1"
        assert (await answer.json())["type"].endswith("UpstreamAway")


async def test_bodies_have_a_limit_also_when_they_hide_their_size(
    gateway: Running, services: Services
) -> None:
    services.answer("/api/v1/attachments", {}, status=201)

    async def endless() -> object:
        for _ in range(MAXIMUM_BODY_BYTES // 65536 + 2):
            yield b" " * 65536

    headers = {"Content-Type": "application/json"}
    too_large = io.BytesIO(b" " * (MAXIMUM_BODY_BYTES + 1))
    for body in (too_large, endless()):
        async with gateway.client.post(
            "/api/v1/orders", data=body, headers=headers
        ) as answer:
            assert answer.status == 413
    form = FormData()
    file = io.BytesIO(b"x" * (MAXIMUM_UPLOAD_BYTES - 4096))
    form.add_field("file", file, filename="a.txt")
    async with gateway.client.post("/api/v1/attachments", data=form) as answer:
        assert answer.status == 201


async def test_a_download_passes_byte_for_byte(
    gateway: Running, services: Services
) -> None:
    content = bytes(range(256)) * 4096

    async def download(request: web.Request) -> web.Response:
        del request
        return web.Response(
            body=content,
            content_type="application/pdf",
            headers={"Content-Disposition": 'attachment; filename="a.pdf"'},
        )

    services.answers["/api/v1/attachments/1"] = download
    async with gateway.client.get("/api/v1/attachments/1") as answer:
        assert await answer.read() == content
        assert answer.headers["Content-Disposition"] == 'attachment; filename="a.pdf"'


async def test_every_answer_carries_security_headers(gateway: Running) -> None:
    for path in (
        "/api/v1/nothing",
        "/api/docs",
        "/api/docs/problems",
        "/api/docs/events",
    ):
        async with gateway.client.get(path) as answer:
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            assert "unsafe" not in answer.headers["Content-Security-Policy"]
            assert answer.headers["Strict-Transport-Security"].startswith("max-age=")


async def test_the_events_can_be_read_and_their_document_fetched(
    gateway: Running,
) -> None:
    async with gateway.client.get("/api/docs/events") as answer:
        assert answer.status == 200
        page = await answer.text()
    assert 'id="billing.invoice.paid.v1"' in page
    assert "<script" not in page
    assert "style=" not in page
    async with gateway.client.get("/api/docs/asyncapi.json") as answer:
        assert answer.content_type == "application/json"
        assert (await answer.json())["asyncapi"] == "3.0.0"


async def test_a_flood_from_one_address_is_refused(
    gateway: Running, services: Services
) -> None:
    services.answer("/api/v1/products", {"items": []})

    async def ask() -> int:
        async with gateway.client.get("/api/v1/products") as answer:
            return answer.status

    statuses = await asyncio.gather(*(ask() for _ in range(60)))
    assert statuses.count(200) == 50
    assert statuses.count(429) == 10


async def test_the_documents_are_merged_and_one_that_is_away_hides_no_other(
    gateway: Running, services: Services
) -> None:
    def path(answer: str) -> dict[str, object]:
        schema = {"$ref": f"#/components/schemas/{answer}"}
        content = {"application/json": {"schema": schema}}
        return {"get": {"tags": ["x"], "responses": {"200": {"content": content}}}}

    services.answer(
        "/openapi.json",
        {
            "openapi": "3.1.0",
            "info": {"title": "x", "version": "1"},
            "paths": {
                "/api/v1/orders": path("OrderView"),
                "/internal/keys": path("KeyView"),
            },
            "components": {
                "schemas": {
                    "OrderView": {"type": "object"},
                    "KeyView": {"type": "object"},
                }
            },
        },
    )
    async with gateway.client.get("/api/v1/openapi.json") as answer:
        document = await answer.json()
    assert set(document["paths"]) == {
        "/api/v1/dashboard",
        "/api/v1/orders",
        "/api/v1/stream",
    }
    schemas = set(document["components"]["schemas"])
    assert {"OrderView", "DashboardView"} <= schemas
    assert "KeyView" not in schemas
    await services.server.close()
    async with gateway.client.get("/api/v1/openapi.json") as answer:
        assert "/api/v1/orders" in (await answer.json())["paths"]


@pytest.mark.parametrize(
    "nonsense",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b"null",
        b'{"paths": []}',
        b'{"paths": {"/api/v1/orders": {"get": {}}}}',
        b'{"paths": {}, "components": {"schemas": 1}}',
        b'{"paths": {}, "tags": [{}]}',
    ],
)
async def test_a_document_that_is_none_hides_no_other(
    gateway: Running, services: Services, nonsense: bytes
) -> None:
    async def mumble(_request: web.Request) -> web.Response:
        return web.Response(body=nonsense, content_type="application/json")

    services.answers["/openapi.json"] = mumble
    async with gateway.client.get("/api/v1/openapi.json") as answer:
        assert answer.status == 200
        assert "/api/v1/dashboard" in (await answer.json())["paths"]


async def test_the_documentation_needs_nothing_from_outside(gateway: Running) -> None:
    async with gateway.client.get("/api/docs") as answer:
        page = await answer.text()
    assert "//" not in page.replace("<!doctype html>", "")
    for name in ("swagger-ui.css", "swagger-ui-bundle.js", "docs.js"):
        async with gateway.client.get(f"/api/docs/assets/{name}") as answer:
            assert answer.status == 200
    async with gateway.client.get("/api/docs/assets/package.json") as answer:
        assert answer.status == 404
