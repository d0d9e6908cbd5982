"""What people see when no page can be made, or their request can't be read."""

import asyncio
from http import HTTPStatus
from io import BytesIO

import pytest
from aiohttp import FormData

from chassis.http import MAXIMUM_BODY_BYTES
from gateway.portal import faults
from gateway.portal.views import session
from tests.integration.gateway.conftest import Services
from tests.integration.portal.browsing import Browser
from tests.integration.portal.doors import HOST, SESSION_TOKEN, open_session
from tests.support.tokens import a_customer


def fail(*_arguments: object, **_options: object) -> None:
    raise RuntimeError("this page can't be made")


async def test_a_fault_page_that_fails_itself_is_still_a_page(
    behind_tls: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "show_log_in", fail)
    monkeypatch.setattr(faults, "broken", fail)
    page = await behind_tls.get("/login")
    assert page.status == HTTPStatus.INTERNAL_SERVER_ERROR
    assert page.headers["Content-Type"].startswith("text/html")
    assert page.heading == "Something went wrong on our side"
    assert "Algo deu errado do nosso lado" in page.text
    assert page.headers["X-Request-Id"] in page.text
    assert "Content-Security-Policy" in page.headers


async def test_a_page_that_cannot_even_begin_is_still_a_page(
    behind_tls: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.portal.pages._arrival", fail)
    page = await behind_tls.get("/login")
    assert page.status == HTTPStatus.INTERNAL_SERVER_ERROR
    assert page.heading == "Something went wrong on our side"


async def ask_raw(browser: Browser, path: str, header: bytes) -> tuple[bytes, bytes]:
    """Return head and body of the answer to a request with this header."""
    reader, writer = await asyncio.open_connection(browser.url.host, browser.url.port)
    writer.write(
        b"GET %b HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-A: %b\r\n\r\n"
        % (path.encode(), header)
    )
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    return head, body


async def test_headers_that_are_no_text_are_told_to_people_by_a_page(
    behind_tls: Browser,
) -> None:
    head, body = await ask_raw(behind_tls, "/login", b"\xff\xfe")
    assert head.startswith(b"HTTP/1.1 400")
    assert b"text/html" in head
    assert b"We couldn't read this request" in body


async def test_headers_that_are_no_text_are_told_to_clients_by_a_problem(
    behind_tls: Browser,
) -> None:
    head, body = await ask_raw(behind_tls, "/api/v1/products", b"\xff\xfe")
    assert head.startswith(b"HTTP/1.1 400")
    assert b"application/problem+json" in head
    assert b"Unreadable" in body


PAGE_LINE, COOKIES = b"GET / HTTP/1.1", b"Cookie: a=" + b"b" * 40_000
BROWSERS = b"Accept: text/html,application/xhtml+xml;q=0.9"
REFUSED: dict[str, tuple[bytes, ...]] = {
    "headers too long": (PAGE_LINE, b"Host: x", BROWSERS, COOKIES),
    "address too long": (b"GET /" + b"x" * 10_000 + b" HTTP/1.1", BROWSERS),
    "no HTTP": (b"GET / nonsense", BROWSERS),
}


async def send_raw(browser: Browser, *lines: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(browser.url.host, browser.url.port)
    writer.write(b"\r\n".join(lines) + b"\r\n\r\n")
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize("lines", REFUSED.values(), ids=REFUSED)
async def test_what_is_no_valid_http_is_told_to_a_browser_by_a_page(
    behind_tls: Browser, lines: tuple[bytes, ...]
) -> None:
    head, _, body = (await send_raw(behind_tls, *lines)).partition(b"\r\n\r\n")
    assert head.split()[1] == b"400"
    assert b"text/html" in head
    assert b"Content-Security-Policy: default-src 'none'" in head
    assert b"Strict-Transport-Security" in head
    assert b"We couldn't read this request" in body
    assert b"Apague os cookies" in body


@pytest.mark.parametrize("lines", REFUSED.values(), ids=REFUSED)
async def test_what_is_no_valid_http_is_told_to_a_client_by_a_problem(
    behind_tls: Browser, lines: tuple[bytes, ...]
) -> None:
    theirs = [b"Accept: */*" if line is BROWSERS else line for line in lines]
    answer = await send_raw(behind_tls, *theirs, b"X-Not: Accept: text/html")
    assert answer.split()[1] == b"400"
    assert b"application/problem+json" in answer
    assert b"text/html" not in answer


async def test_what_an_earlier_request_accepted_says_nothing_of_the_next(
    behind_tls: Browser,
) -> None:
    first = b"GET /health/live HTTP/1.1\r\nHost: x\r\n" + BROWSERS + b"\r\n\r\n"
    reader, writer = await asyncio.open_connection(
        behind_tls.url.host, behind_tls.url.port
    )
    writer.write(first)
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    writer.write(b"GET / nonsense\r\n\r\n")
    assert b"application/problem+json" in await reader.read()
    writer.close()
    await writer.wait_closed()


async def test_a_form_that_is_too_large_says_how_large_it_may_be(
    services: Services, behind_tls: Browser
) -> None:
    open_session(services, a_customer())
    behind_tls.plant("session", SESSION_TOKEN, prefix=HOST)
    form = FormData({"name": "Ana", "photo": BytesIO(b"x" * MAXIMUM_BODY_BYTES)})
    page = await behind_tls.ask("POST", "/profile", data=form)
    assert page.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert page.heading == "This is too large"
    assert "larger than 1 MB" in page.said
