"""The server gives no connection more time than a request deserves."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from chassis.http import Call, Response, Routes, public, reader, server
from tests.support.leaping import Leaping
from tests.unit.chassis.conftest import an_app
from tests.unit.chassis.things import things

LARGE = 30_000_000
#: More than the system holds between a server and a client that doesn't read.
MORE_THAN_IS_HELD = 12_000_000
#: Longer than any test takes: what ends by these limits is ended by a leap.
HEADER_SECONDS = 1_000
IDLE_SECONDS = 10_000
STALL_SECONDS = 1_000
#: For what must happen by itself; most of it takes no time at all.
PATIENCE_SECONDS = 60

large = Routes(tag="large")


@large.get("/large", policy=public(), media_type="application/octet-stream")
async def be_large(call: Call) -> Response:
    """Give more than the buffers of both sides hold."""
    return call.file(bytes(LARGE), media_type="application/octet-stream", name="x")


@large.get("/slow", policy=public(), seconds=0.1)
async def be_slow(_: Call) -> None:
    """Take longer than is allowed."""
    await asyncio.sleep(PATIENCE_SECONDS)


REQUEST = b"GET /api/v1/things/none HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
async def time() -> Leaping:
    return Leaping()


@pytest.fixture
async def port(time: Leaping, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    del time  # taken hold of before any timer starts
    monkeypatch.setattr(server, "HEADER_SECONDS", HEADER_SECONDS)
    monkeypatch.setattr(server, "IDLE_SECONDS", IDLE_SECONDS)
    monkeypatch.setattr(server, "STALL_SECONDS", STALL_SECONDS)
    monkeypatch.setattr(server, "CONNECTION_SECONDS", 10 * IDLE_SECONDS)
    monkeypatch.setattr(server, "LINGER_SECONDS", 0.1)
    monkeypatch.setattr(reader, "BODY_SECONDS", 0.1)
    async with server.serving(an_app(things, large), host="127.0.0.1", port=0) as port:
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


async def settled(port: int) -> None:
    """Return when the server has taken in all that was sent to it before."""
    async with connection(port) as (reading, writing):
        writing.write(REQUEST)
        assert await status_of(reading) == 404


async def closed(reading: asyncio.StreamReader) -> None:
    """Return when the server has closed the connection."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await reading.read(65536):
            pass


async def status_of(reading: asyncio.StreamReader) -> int:
    """Read one answer, and return its status."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        head = await reading.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await reading.readexactly(int(length))
    return int(head.split()[1])


async def test_a_connection_that_says_nothing_is_closed(
    port: int, time: Leaping
) -> None:
    async with connection(port) as (reading, _):
        await settled(port)
        time.leap(HEADER_SECONDS * 0.7)
        await settled(port)
        assert not reading.at_eof()
        time.leap(HEADER_SECONDS * 0.4)
        await closed(reading)


async def test_headers_that_drip_are_cut_off(port: int, time: Leaping) -> None:
    async with connection(port) as (reading, writing):
        writing.write(b"GET / HTTP/1.1\r\n")
        for _ in range(3):
            await settled(port)
            assert not reading.at_eof()
            time.leap(HEADER_SECONDS * 0.25)
            writing.write(b"X: y\r\n")
        await settled(port)
        time.leap(HEADER_SECONDS * 0.4)
        await closed(reading)


async def test_dripping_headers_are_cut_off_on_a_used_connection_too(
    port: int, time: Leaping
) -> None:
    async with connection(port) as (reading, writing):
        writing.write(REQUEST)
        assert await status_of(reading) == 404
        writing.write(b"GET / HTTP/1.1\r\nX: ")
        await settled(port)
        time.leap(HEADER_SECONDS * 0.7)
        await settled(port)
        assert not reading.at_eof()
        time.leap(HEADER_SECONDS * 0.4)
        await closed(reading)


async def test_a_used_connection_may_idle_longer_and_is_closed_then(
    port: int, time: Leaping
) -> None:
    async with connection(port) as (reading, writing):
        writing.write(REQUEST)
        assert await status_of(reading) == 404
        await settled(port)
        time.leap(IDLE_SECONDS * 0.7)
        writing.write(REQUEST)
        assert await status_of(reading) == 404
        await settled(port)
        time.leap(IDLE_SECONDS * 0.7)
        await settled(port)
        assert not reading.at_eof()
        time.leap(IDLE_SECONDS * 0.4)
        await closed(reading)


async def test_a_body_that_drips_is_answered_and_cut_off(port: int) -> None:
    async with connection(port) as (reading, writing):
        writing.write(
            b"POST /api/v1/things HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n"
            b"Content-Type: application/json\r\n\r\n{"
        )
        assert await status_of(reading) == 408
        await closed(reading)


async def test_a_client_that_never_reads_its_answer_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given_up = asyncio.Event()
    endless = Routes(tag="endless")

    @endless.get("/endless", policy=public(), media_type="text/plain")
    async def never_end(call: Call) -> web.StreamResponse:
        """Say more and more."""
        response = web.StreamResponse()
        await response.prepare(call.request)
        try:
            while True:
                await response.write(bytes(65536))
        except ConnectionError:
            given_up.set()
            return response

    monkeypatch.setattr(server, "STALL_SECONDS", 0.1)
    async with (
        asyncio.timeout(PATIENCE_SECONDS),
        server.serving(an_app(endless), host="127.0.0.1", port=0) as port,
        connection(port) as (_, writing),
    ):
        writing.write(b"GET /api/v1/endless HTTP/1.1\r\nHost: x\r\n\r\n")
        await given_up.wait()


async def test_a_client_that_reads_slowly_gets_all(port: int, time: Leaping) -> None:
    async with connection(port) as (reading, writing):
        writing.write(b"GET /api/v1/large HTTP/1.1\r\nHost: x\r\n\r\n")
        await reading.readuntil(b"\r\n\r\n")
        for _ in range(2):
            time.leap(STALL_SECONDS * 0.7)
            await settled(port)
            await reading.readexactly(MORE_THAN_IS_HELD)
            time.leap(STALL_SECONDS * 0.7)
            await settled(port)
        rest = LARGE - 2 * MORE_THAN_IS_HELD
        assert len(await reading.readexactly(rest)) == rest


async def test_an_answer_that_takes_too_long_is_given_up(port: int) -> None:
    async with connection(port) as (reading, writing):
        writing.write(b"GET /api/v1/slow HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await status_of(reading) == 503


async def test_what_is_not_http_is_answered_with_a_problem(
    port: int,
) -> None:
    async with connection(port) as (reading, writing):
        writing.write(b"\x16\x03\x01 hello\r\n\r\n")
        async with asyncio.timeout(PATIENCE_SECONDS):
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


async def test_connections_beyond_the_cap_are_refused_and_the_others_served() -> None:
    async with (
        server.serving(an_app(things), host="127.0.0.1", port=0, connections=5) as port,
        connection(port) as (first, writing),
    ):
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
        asyncio.timeout(PATIENCE_SECONDS),
        server.serving(app, host="127.0.0.1", port=0) as port,
    ):
        async with connection(port) as (_, writing):
            writing.write(b"GET /api/v1/patient HTTP/1.1\r\nHost: x\r\n\r\n")
            await waiting.wait()
            assert not gone.is_set()
        await gone.wait()
