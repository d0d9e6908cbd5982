"""Hostile input: shown back as text, or refused by a page that says what to do."""

import asyncio
from http import HTTPStatus
from urllib.parse import quote

import pytest
from yarl import URL

from tests.e2e.client import until
from tests.e2e.stack import Stack
from tests.integration.portal.browsing import BOUNDARY, Browser, Page
from tests.integration.portal.conftest import Onlooker, Seated

FORM = "application/x-www-form-urlencoded"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"
MEBIBYTE = 1024 * 1024
HOSTILE = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(1)'>",
    "{{ 7 * 7 }}{% raw %}${7*7}",
    "'; DROP TABLE users; --",
    "\u202eevil\u202c \u200f\u0627\u0644\u0639\u0631",
    "javascript:alert(1)",
    "&lt;b&gt; &amp; %00 \\u0000",
    "\U0001f600 " * 20,
)
PAGES = ("/login", "/register", "/order", "/news", "/nowhere", "/verify-email")


def assert_page(page: Page) -> None:
    """Nothing but a whole page of ours, with all its headers."""
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "</html>" in page.text
    assert page.heading
    assert_tame(page)


def assert_tame(page: Page) -> None:
    """No element of the page came from what was sent."""
    main = page.text.partition("<main")[2]
    for foreign in ("<script>alert", "<img src=x", "onerror='", "49{"):
        assert foreign not in page.text, foreign
    assert "<script" not in main
    assert " style=" not in page.text
    assert " onclick" not in page.text


@pytest.mark.parametrize("text", HOSTILE)
async def test_a_profile_shows_what_was_typed_as_text(
    seated: Seated, text: str
) -> None:
    browser = seated.browser
    page = await browser.get("/profile")
    typed = {"name": text[:200], "company": text[:200], "address.line1": text[:200]}
    answer = await browser.submit(page, "/profile", address__city="X", **typed)
    assert answer.status == HTTPStatus.SEE_OTHER, answer.said
    for path in ("/", "/profile", "/security", "/emails", "/tickets/new"):
        shown = await browser.get(path)
        assert shown.status == HTTPStatus.OK
        assert_page(shown)
    form = (await browser.get("/profile")).form("/profile")
    assert form["name"] == text[:200].strip()


@pytest.mark.parametrize("text", [*HOSTILE, "x" * 10_000, "two\nlines"])
async def test_a_refused_form_shows_what_was_typed_as_text(
    visitor: Browser, text: str
) -> None:
    page = await visitor.get("/register")
    answer = await visitor.submit(
        page, "/register", name=text, email=text, tax_id=text, phone=text, next=text
    )
    assert answer.status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert_page(answer)
    assert answer.form("/register")["email"] == text


@pytest.mark.parametrize("text", HOSTILE)
async def test_a_label_is_text_wherever_it_stands(seated: Seated, text: str) -> None:
    page = await seated.browser.get("/order/vps-2")
    label = text.strip()[:100]
    answer = await seated.browser.submit(page, "/order/vps-2", items__0__label=label)
    assert answer.status == HTTPStatus.SEE_OTHER, answer.said
    [service] = (await seated.customer.api.get("/services"))["items"]
    paths = ("/", "/services", f"/services/{service['id']}", answer.location)
    for path in paths:
        shown = await seated.browser.get(path)
        assert_page(shown)
        assert label[:20].split()[0] in shown.said


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("text", [*HOSTILE, "x" * 1000, "%", "%zz", "\u00e9"])
async def test_whatever_the_query_says_the_page_is_whole(
    visitor: Browser, path: str, text: str
) -> None:
    names = ("next", "token", "cursor", "status", "items.0.quantity", text[:50])
    query = "&".join(f"{quote(name)}={quote(text)}" for name in names)
    page = await visitor.get(f"{path}?{query}")
    assert page.status < HTTPStatus.INTERNAL_SERVER_ERROR
    if page.status != HTTPStatus.SEE_OTHER:
        assert_page(page)


@pytest.mark.parametrize(
    "query", ["%ff=%fe", "a=%00", "a=%ed%a0%80", "&&&==&", "?" * 99]
)
async def test_a_query_that_is_no_text_is_no_fault_of_ours(
    onlooker: Onlooker, query: str
) -> None:
    for path in ("/", "/services", "/order/vps-2", "/login", "/tickets/new", "/news"):
        page = await onlooker.browser.get(f"{path}?{query}")
        assert page.status < HTTPStatus.INTERNAL_SERVER_ERROR, path


@pytest.mark.parametrize(
    ("media_type", "body", "status"),
    [
        (FORM, b"name=%ff%fe", 400),
        (FORM, b"name=\xff\xfe", 400),
        (FORM, b"name=%00", 400),
        (FORM, b"name=%ed%a0%80", 400),
        (FORM, b"&".join(b"f=%d" % i for i in range(300)), 400),
        (FORM, b"name=" + b"x" * 2 * MEBIBYTE, 413),
        (FORM, b"", 409),
        ("text/plain", b"name=x", 409),
        ("application/json", b'{"name": "x"}', 409),
        ("", b"name=x", 409),
        ("nonsense", b"name=x", 409),
        (f"{FORM}; charset=utf-16", b"name=x", 409),
        ("multipart/form-data", b"--x\r\n", 400),
        ("multipart/mixed; boundary=x", b"--x\r\n\r\n--x--", 409),
        (MULTIPART, b"", 400),
        (MULTIPART, b"no boundary at all", 400),
        (MULTIPART, f"--{BOUNDARY}\r\n".encode(), 400),
        (MULTIPART, f"--{BOUNDARY}\r\nno header\r\n\r\nx".encode(), 400),
        (MULTIPART, f"--{BOUNDARY}\r\n\r\nx\r\n--{BOUNDARY}--".encode(), 400),
        (
            MULTIPART,
            f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=a\r\n\r\n".encode()
            + b"\xff\xfe"
            + f"\r\n--{BOUNDARY}--".encode(),
            400,
        ),
        (
            MULTIPART,
            f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=a\r\n"
            "Content-Type: multipart/mixed; boundary=inner\r\n\r\n--inner\r\n\r\n"
            f"x\r\n--inner--\r\n--{BOUNDARY}--".encode(),
            400,
        ),
        (
            MULTIPART,
            b"".join(
                f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=a{i}\r\n\r\n"
                "x\r\n".encode()
                for i in range(300)
            ),
            400,
        ),
        (
            MULTIPART,
            f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=a\r\n\r\n".encode()
            + b"x" * 2 * MEBIBYTE
            + f"\r\n--{BOUNDARY}--".encode(),
            413,
        ),
    ],
    ids=range(23),
)
async def test_a_body_that_is_no_form_is_told_by_a_page(
    onlooker: Onlooker, media_type: str, body: bytes, status: int
) -> None:
    headers = {"Content-Type": media_type}
    answer = await onlooker.browser.ask("POST", "/profile", data=body, headers=headers)
    assert (answer.status, answer.heading) != (500, "")
    assert answer.status == status, answer.said
    assert_page(answer)


async def test_a_body_that_hides_its_size_is_cut_off(onlooker: Onlooker) -> None:
    async def endless() -> object:
        for _ in range(40):
            yield b"x" * 64 * 1024

    answer = await onlooker.browser.ask(
        "POST", "/profile", data=endless(), headers={"Content-Type": FORM}
    )
    assert answer.status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    assert_page(answer)


async def test_a_body_that_breaks_off_harms_nobody(stack: Stack) -> None:
    url = URL(stack.demo["gateway"])
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(
        f"POST /login HTTP/1.1\r\nHost: {url.authority}\r\n"
        f"Content-Type: {FORM}\r\nContent-Length: 100\r\n\r\nemail=a".encode()
    )
    await writer.drain()
    writer.write_eof()
    await asyncio.wait_for(reader.read(), 60)
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize(
    "path",
    ["/nowhere", "/services/not-an-id", "/order/a/b", "/staff/nothing", "/%2e%2e/"],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_an_unknown_path_is_a_page_whatever_is_asked(
    onlooker: Onlooker, path: str, method: str
) -> None:
    page = await onlooker.browser.ask(method, path)
    assert page.status == HTTPStatus.NOT_FOUND
    assert_page(page)
    assert page.heading == "Page not found"
    assert onlooker.email in page.said


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/", "/services", "/news", "/style"])
async def test_a_method_that_a_page_lacks_is_told_by_a_page(
    onlooker: Onlooker, path: str, method: str
) -> None:
    page = await onlooker.browser.ask(method, path)
    assert page.status == HTTPStatus.NOT_FOUND
    assert_page(page)


async def test_what_is_not_there_of_the_api_is_no_page(visitor: Browser) -> None:
    for path in ("/api/v1/nothing", "/api/v2/invoices", "/api/"):
        page = await visitor.get(path)
        assert page.status == HTTPStatus.NOT_FOUND
        assert page.headers["Content-Type"].startswith("application/problem+json")


@pytest.mark.parametrize(
    "path",
    ["/", "/services", "/order", "/order/vps-2", "/profile", "/nowhere", "/login"],
)
async def test_head_answers_as_get_does_without_the_page(
    onlooker: Onlooker, path: str
) -> None:
    page, head = (
        await onlooker.browser.get(path),
        await onlooker.browser.ask("HEAD", path),
    )
    assert head.status == page.status
    assert head.text == ""
    for name in ("Content-Type", "Cache-Control", "Content-Security-Policy"):
        assert head.headers.get(name) == page.headers.get(name)


@pytest.mark.parametrize("path", ["/", "/order", "/profile", "/security", "/emails"])
async def test_every_page_is_kept_by_nobody(onlooker: Onlooker, path: str) -> None:
    assert_page(await onlooker.browser.get(path))


async def test_hostile_cookies_are_no_trouble(visitor: Browser) -> None:
    for name in ("session", "visitor", "language", "theme", "notice"):
        for value in ("<script>alert(1)</script>", "x" * 3000, "%00%ff", "en", ""):
            visitor.plant(name, value)
            for path in ("/login", "/", "/order"):
                page = await visitor.open(path)
                assert page.status == HTTPStatus.OK
                assert_page(page)
        visitor.jar.clear()


@pytest.mark.parametrize("value", ["x" * 200, "q=;;;,,,", "en;q=nan, pt-BR;q=inf", "*"])
async def test_whatever_language_is_asked_for_there_is_one(
    visitor: Browser, value: str
) -> None:
    assert_page(await visitor.get("/login", **{"Accept-Language": value}))


async def test_a_mail_is_shown_as_text_with_its_links(seated: Seated) -> None:
    async def mails() -> list[dict[str, str]]:
        found = (await seated.customer.api.get("/emails"))["items"]
        return [each for each in found if each["status"] == "sent"]

    page = await seated.browser.get("/tickets/new")
    await seated.browser.submit(
        page,
        "/tickets/new",
        department="support",
        subject='"><script>alert(1)</script>',
        message="http://evil.example/\"onmouseover='alert(1)' <img src=x>",
    )

    async def told() -> str | None:
        found = [each for each in await mails() if "alert" in (each["subject"] or "")]
        return found[0]["id"] if found else None

    shown = await seated.browser.get(
        f"/emails/{await until(told, what='a mail about the ticket')}"
    )
    assert_page(shown)
    assert "alert(1)</script>" in shown.said
    assert "onmouseover" not in "".join(shown.text.split("&#34;onmouseover"))
    assert f'<a href="{seated.browser.url / "tickets"}/' in shown.text
