"""Files come in whole and bounded, or not at all; they go out as downloads only."""

import io
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import ClientSession, FormData
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.chassis.conftest import Serve
from tests.unit.chassis.things import things

BOUNDARY = b"--edge"
GOOD = (
    b"--edge\r\n"
    b'Content-Disposition: form-data; name="file"; filename="a.txt"\r\n'
    b"Content-Type: text/plain\r\n"
    b"\r\n"
    b"hello\r\n"
    b"--edge--\r\n"
)


@pytest.fixture
async def client(serve: Serve) -> ClientSession:
    return await serve(things)


async def sent(client: ClientSession, body: Any, **headers: str) -> tuple[int, Any]:
    async with client.post("/api/v1/files", data=body, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


async def sent_raw(client: ClientSession, body: bytes) -> tuple[int, Any]:
    media_type = "multipart/form-data; boundary=edge"
    return await sent(client, io.BytesIO(body), **{"Content-Type": media_type})


def a_form(name: str, content: bytes, **options: str) -> FormData:
    form = FormData()
    form.add_field("file", io.BytesIO(content), filename=name, **options)
    return form


async def test_a_file_arrives_with_its_name_type_and_content(
    client: ClientSession,
) -> None:
    status, view = await sent(
        client, a_form("prova.pdf", b"x" * 1000, content_type="application/pdf")
    )
    assert (status, view["name"]) == (201, "prova.pdf application/pdf 1000")


async def test_a_path_is_cut_to_the_name(client: ClientSession) -> None:
    for path in (r"C:\\temp\\a.txt", "../../etc/a.txt"):
        body = GOOD.replace(b"a.txt", path.encode())
        status, view = await sent_raw(client, body)
        assert (status, view["name"].split()[0]) == (201, "a.txt")


async def test_an_odd_media_type_is_taken_for_unknown(client: ClientSession) -> None:
    status, view = await sent_raw(client, GOOD.replace(b"text/plain", b"<\xff>"))
    assert (status, view["name"]) == (201, "a.txt application/octet-stream 5")


async def test_a_file_beyond_the_limit_is_too_large(client: ClientSession) -> None:
    for size in (1001, 500_000):
        status, problem = await sent(client, a_form("a.txt", b"x" * size))
        assert (status, problem["detail"]) == (413, "at most 1,000 bytes are accepted")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'name="file"', b'name="other"'),
        (b'; filename="a.txt"', b""),
        (b"a.txt", b""),
        (b"a.txt", b"a" * 256),
        (b"--edge--", BOUNDARY + GOOD.removeprefix(BOUNDARY)),
    ],
)
async def test_a_form_without_exactly_one_named_file_names_the_field(
    client: ClientSession, old: bytes, new: bytes
) -> None:
    status, problem = await sent_raw(client, GOOD.replace(old, new, 1))
    assert status == 422
    assert [fault["field"] for fault in problem["errors"]] == ["file"]


async def test_a_nul_in_the_name_is_refused(client: ClientSession) -> None:
    body = GOOD.replace(b'filename="a.txt"', b"filename*=UTF-8''a%00b.txt")
    status, problem = await sent_raw(client, body)
    assert status == 422
    assert [fault["field"] for fault in problem["errors"]] == ["file"]


async def test_anything_but_a_form_is_refused(client: ClientSession) -> None:
    status, _ = await sent(client, b"hello", **{"Content-Type": "text/plain"})
    assert status == 415


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=150,
    deadline=None,
)
@given(st.data())
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # aiohttp's, of broken headers
async def test_no_form_however_broken_makes_the_server_fail(
    client: ClientSession, data: st.DataObject
) -> None:
    body = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(body)))
        end = data.draw(st.integers(start, min(len(body), start + 20)))
        body[start:end] = data.draw(st.binary(max_size=12))
    status, _ = await sent_raw(client, bytes(body))
    assert status in (201, 400, 413, 415, 422)


async def test_a_download_is_always_an_attachment(client: ClientSession) -> None:
    async with client.get("/api/v1/files/x") as answer:
        assert await answer.read() == b"%PDF"
        assert answer.content_type == "application/pdf"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Disposition"].startswith("attachment;")


@pytest.mark.parametrize("name", ["fatura.pdf", 'sí "no";.pdf', "a\r\nSet-Cookie: x"])
async def test_any_name_comes_back_from_a_download(
    client: ClientSession, name: str
) -> None:
    async with client.get(f"/api/v1/files/{quote(name, '')}") as answer:
        assert answer.status == 200
        assert answer.content_disposition is not None
        assert answer.content_disposition.filename == name
        assert "Set-Cookie" not in answer.headers
