"""The server gives no connection more time than a request deserves."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import pytest

from chassis.http import Call, Response, Routes, public, reader, server
from tests.unit.chassis.conftest import an_app
from tests.unit.chassis.things import things

LARGE = 30_000_000

large = Routes(tag="large")


@large.get("/large", policy=public(), media_type="application/octet-stream")
async def be_large(call: Call) -> Response:
    """Give more than the buffers of both sides hold."""
    return call.file(bytes(LARGE), media_type="application/octet-stream", name="x")


@large.get("/slow", policy=public(), seconds=0.1)
async def be_slow(_: Call) -> None:
    """Take longer than is allowed."""
    await asyncio.sleep(10)


REQUEST = b"GET /api/v1/things/none HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    monkeypatch.setattr(server, "HEADER_SECONDS", 0.5)
    monkeypatch.setattr(server, "IDLE_SECONDS", 1.5)
    monkeypatch.setattr(server, "LINGER_SECONDS", 0.2)
    monkeypatch.setattr(server, "STALL_SECONDS", 1.0)
    monkeypatch.setattr(reader, "BODY_SECONDS", 0.5)
    async with server.serving(
        an_app(things, large), host="127.0.0.1", port=0, connections=5
    ) as port:
        yield port


@asynccontextmanager
async def connection(
    port: int,
) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reading, writing = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reading, writing
    finally:
        writing.close()


async def seconds_until_closed(reading: asyncio.StreamReader) -> float:
    started = time.monotonic()
    async with asyncio.timeout(5):
        while await reading.read(65536):
            pass
    return time.monotonic() - started


async def status_of(reading: asyncio.StreamReader) -> int:
    """Read one answer, and return its status."""
    async with asyncio.timeout(5):
        head = await reading.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await reading.readexactly(int(length))
    return int(head.split()[1])


async def test_a_connection_that_says_nothing_is_closed(port: int) -> None:
    async with connection(port) as (reading, _):
        assert 0.3 < await seconds_until_closed(reading) < 1.2


async def test_headers_that_drip_are_cut_off(port: int) -> None:
    async with connection(port) as (reading, writing):

        async def drip() -> None:
            writing.write(b"GET / HTTP/1.1\r\n")
            while not reading.at_eof():
                writing.write(b"X: y\r\n")
                await asyncio.sleep(0.05)

        async with asyncio.TaskGroup() as group:
            group.create_task(drip())
            assert 0.3 < await seconds_until_closed(reading) < 1.2


async def test_dripping_headers_are_cut_off_on_a_used_connection_too(
    port: int,
) -> None:
    async with connection(port) as (reading, writing):
        writing.write(REQUEST)
        assert await status_of(reading) == 404
        writing.write(b"GET / HTTP/1.1\r\nX: ")
        assert 0.3 < await seconds_until_closed(reading) < 1.2


async def test_a_used_connection_may_idle_longer_and_is_closed_then(
    port: int,
) -> None:
    async with connection(port) as (reading, writing):
        writing.write(REQUEST)
        assert await status_of(reading) == 404
        await asyncio.sleep(0.8)
        writing.write(REQUEST)
        assert await status_of(reading) == 404
        assert 1.0 < await seconds_until_closed(reading) < 2.5


async def test_a_body_that_drips_is_answered_and_cut_off(port: int) -> None:
    async with connection(port) as (reading, writing):
        writing.write(
            b"POST /api/v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n"
            b"Content-Type: application/json\r\n\r\n{"
        )
        assert await status_of(reading) == 408
        assert await seconds_until_closed(reading) < 1.2


async def test_a_client_that_never_reads_its_answer_is_given_up(port: int) -> None:
    async with connection(port) as (reading, writing):
        writing.write(b"GET /api/v1/large HTTP/1.1\r\nHost: x\r\n\r\n")
        await reading.readuntil(b"\r\n\r\n")
        await asyncio.sleep(2.5)  # reading nothing: asyncio stops taking it in
        async with asyncio.timeout(5):
            assert len(await reading.read()) < LARGE


async def test_a_client_that_reads_slowly_gets_all(port: int) -> None:
    async with connection(port) as (reading, writing):
        writing.write(b"GET /api/v1/large HTTP/1.1\r\nHost: x\r\n\r\n")
        await reading.readuntil(b"\r\n\r\n")
        got = 0
        while got < LARGE and (chunk := await reading.read(LARGE)):
            got += len(chunk)
            if got < LARGE / 20:
                await asyncio.sleep(0.2)
        assert got == LARGE


async def test_an_answer_that_takes_too_long_is_given_up(port: int) -> None:
    async with connection(port) as (reading, writing):
        writing.write(b"GET /api/v1/slow HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await status_of(reading) == 503


async def test_what_is_not_http_is_answered_with_a_problem(
    port: int,
) -> None:
    async with connection(port) as (reading, writing):
        writing.write(b"\x16\x03\x01 hello\r\n\r\n")
        async with asyncio.timeout(5):
            answer = await reading.read()
    assert answer.startswith(b"HTTP/1.0 400")
    assert b"application/problem+json" in answer
    assert b"x16" not in answer


async def test_an_expectation_we_do_not_know_is_answered_with_a_problem(
    port: int,
) -> None:
    async with connection(port) as (reading, writing):
        writing.write(REQUEST[:-2] + b"Expect: miracles\r\n\r\n")
        answer = await reading.read()
    assert answer.startswith(b"HTTP/1.1 417 ")
    assert b"application/problem+json" in answer
    assert b'"status":417' in answer


@pytest.mark.parametrize("path", [b"/\xff", b"/\x80\x00", b"/%00%ff", b"/?\xff=\xfe"])
async def test_raw_bytes_in_the_address_never_break_the_answer(
    port: int, path: bytes
) -> None:
    async with connection(port) as (reading, writing):
        writing.write(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        assert 400 <= await status_of(reading) < 500


async def test_raw_bytes_in_a_header_are_refused_and_text_is_not(port: int) -> None:
    async with connection(port) as (reading, writing):
        for value, status in ((b"\xff", 400), ("é".encode(), 200)):
            writing.write(
                b"GET /api/v1/things HTTP/1.1\r\nHost: x\r\nUser-Agent: "
                + value
                + b"\r\n\r\n"
            )
            assert await status_of(reading) == status


async def test_connections_beyond_the_cap_are_refused_and_the_others_served(
    port: int,
) -> None:
    async with connection(port) as (first, writing):
        await asyncio.sleep(0.05)
        crowd = [connection(port) for _ in range(5)]
        opened = [await one.__aenter__() for one in crowd]
        try:
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await opened[-1][0].readexactly(1)
            writing.write(REQUEST)
            assert await status_of(first) == 404
        finally:
            for one in crowd:
                await one.__aexit__(None, None, None)


async def test_a_handler_that_waits_is_told_when_its_client_has_gone() -> None:
    waiting, gone = asyncio.Event(), asyncio.Event()
    patient = Routes(tag="patient")

    @patient.get("/patient", policy=public())
    async def wait(call: Call) -> None:
        """Wait until nobody is there any more."""
        with server.calling_when_gone(call.request, gone.set):
            waiting.set()
            await gone.wait()

    app = an_app(patient)
    async with (
        asyncio.timeout(5),
        server.serving(app, host="127.0.0.1", port=0) as port,
    ):
        async with connection(port) as (_, writing):
            writing.write(b"GET /api/v1/patient HTTP/1.1\r\nHost: x\r\n\r\n")
            await waiting.wait()
            assert not gone.is_set()
        await gone.wait()
