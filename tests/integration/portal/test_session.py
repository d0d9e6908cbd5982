"""Logging in and out: the cookie, whose it is, and when it opens nothing any more."""

import asyncio
import re
from http.cookies import SimpleCookie

import pytest

from tests.e2e.client import until
from tests.e2e.journey import PASSWORD, register
from tests.e2e.stack import Stack
from tests.integration.gateway.conftest import Services
from tests.integration.portal.browsing import Browser, Page
from tests.integration.portal.conftest import OpenBrowser, Seated
from tests.integration.portal.doors import HOST, SESSION_TOKEN

#: How an access token of ours begins: a JWT.
ACCESS_TOKEN = re.compile(r"eyJ[\w-]{10,}\.[\w-]{10,}\.")
PAGES = ("/", "/order", "/invoices", "/tickets", "/profile", "/security", "/emails")


def cookies_of(page: Page) -> SimpleCookie:
    """Return the cookies that the page sets."""
    cookies = SimpleCookie()
    for header in page.headers.getall("Set-Cookie", []):
        cookies.load(header)
    return cookies


async def test_the_session_is_an_opaque_cookie_that_scripts_and_other_sites_miss(
    stack: Stack, visitor: Browser
) -> None:
    customer = await register(stack.api)
    page = await visitor.log_in(customer.email, PASSWORD)
    assert (page.status, page.location) == (303, "/")
    [cookie] = [c for name, c in cookies_of(page).items() if name.endswith("-session")]
    assert cookie.key == f"clientarea-{visitor.url.port}-session"
    assert re.fullmatch(r"[\w-]{43}", cookie.value)
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert cookie["path"] == "/"
    assert not cookie["domain"]


async def test_a_log_in_sent_three_times_at_once_is_one_session(
    stack: Stack, visitor: Browser
) -> None:
    customer = await register(stack.api)
    page = await visitor.get("/login")
    typed = {"email": customer.email, "password": PASSWORD}
    answers = await asyncio.gather(
        *(visitor.submit(page, "/login", **typed) for _ in range(3))
    )
    assert {(each.status, each.location) for each in answers} == {(303, "/")}
    name = f"clientarea-{visitor.url.port}-session"
    assert len({cookies_of(each)[name].value for each in answers}) == 1
    assert (await visitor.get("/")).status == 200


async def test_the_cookie_lives_as_long_as_accounts_says(
    services: Services, behind_tls: Browser
) -> None:
    begun = {"session_token": SESSION_TOKEN, "expires_in": 12_345}
    services.answer("/internal/browser-sessions", begun, status=201)
    page = await behind_tls.log_in("ana@example.com", PASSWORD)
    cookie = cookies_of(page)[HOST + "session"]
    assert (cookie.value, cookie["max-age"]) == (SESSION_TOKEN, "12345")


async def test_a_cookie_planted_before_the_log_in_is_never_the_session(
    stack: Stack, visitor: Browser, open_browser: OpenBrowser
) -> None:
    planted = "A" * 43
    visitor.plant("session", planted)
    customer = await register(stack.api)
    await visitor.log_in(customer.email, PASSWORD)
    assert visitor.cookie("session") != planted
    assert (await visitor.get("/")).status == 200
    attacker = open_browser()
    attacker.plant("session", planted)
    assert (await attacker.get("/")).location == "/login?next=%2F"


async def test_a_log_in_over_another_session_begins_a_new_one(
    stack: Stack, seated: Seated
) -> None:
    browser, before = seated.browser, seated.browser.cookie("session")
    page = await browser.get("/")
    await browser.submit(page, "/logout")
    other = await register(stack.api, name="Bruno Lima")
    await browser.log_in(other.email, PASSWORD)
    assert browser.cookie("session") not in (None, before)
    assert "Bruno Lima" in (await browser.get("/")).said


async def test_logging_out_ends_the_session_for_whoever_holds_its_cookie(
    seated: Seated, open_browser: OpenBrowser
) -> None:
    thief = open_browser()
    thief.plant("session", seated.browser.cookie("session") or "")
    page = await seated.browser.get("/")
    answer = await seated.browser.submit(page, "/logout")
    assert (answer.status, answer.location) == (303, "/login")
    assert seated.browser.cookie("session") is None
    assert (await thief.get("/")).location == "/login?next=%2F"
    assert "You are logged out." in (await seated.browser.follow(answer)).said


async def test_logging_out_twice_is_being_logged_out(seated: Seated) -> None:
    page = await seated.browser.get("/")
    for _ in range(2):
        answer = await seated.browser.submit(page, "/logout")
        assert (answer.status, answer.location) == (303, "/login")


async def test_a_session_ended_elsewhere_is_over_here_as_soon_as_that_is_told(
    seated: Seated,
) -> None:
    assert (await seated.browser.get("/")).status == 200
    sessions = (await seated.customer.api.get("/sessions"))["items"]
    [here] = [each for each in sessions if each["kind"] == "browser"]
    await seated.customer.api.call("DELETE", f"/sessions/{here['id']}")

    async def is_over() -> bool:
        return (await seated.browser.get("/")).status == 303

    await until(is_over, what="the session is over in the browser")


@pytest.mark.parametrize("path", PAGES)
async def test_the_access_token_is_in_no_page_header_or_cookie(
    seated: Seated, path: str
) -> None:
    page = await seated.browser.get(path)
    assert page.status == 200
    shown = page.text + repr(page.headers) + repr(list(seated.browser.jar))
    assert not ACCESS_TOKEN.search(shown)
    assert (seated.browser.cookie("session") or "-") not in page.text


async def test_no_token_is_in_a_log(stack: Stack, seated: Seated) -> None:
    await seated.browser.get("/")
    await seated.browser.get("/security")
    log = (stack.product.folder / "logs" / "gateway.log").read_text()
    assert "/security" in log
    assert not ACCESS_TOKEN.search(log)
    assert (seated.browser.cookie("session") or "-") not in log


async def test_a_wrong_password_keeps_the_address_and_not_the_password(
    stack: Stack, visitor: Browser
) -> None:
    customer = await register(stack.api)
    page = await visitor.log_in(customer.email, "not the password")
    assert "or the password is wrong" in page.said
    form = page.form("/login")
    assert form["email"] == customer.email
    assert "not the password" not in page.text
    assert visitor.cookie("session") is None


async def test_whoever_is_logged_in_has_no_need_of_the_log_in(seated: Seated) -> None:
    answer = await seated.browser.get("/login?next=/services")
    assert (answer.status, answer.location) == (303, "/services")
    assert (await seated.browser.get("/register")).location == "/"


@pytest.mark.parametrize(
    ("wanted", "reached"),
    [
        ("/services", "/services"),
        ("/order/vps-2?items.0.quantity=2", "/order/vps-2?items.0.quantity=2"),
        ("//evil.example", "/"),
        ("///evil.example", "/"),
        ("/\\evil.example", "/"),
        ("\\\\evil.example", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("evil.example", "/"),
        ("/\tx", "/"),
        ("/\t/evil.example", "/"),
        ("/\n/evil.example", "/"),
        ("/\r\nSet-Cookie: a=b", "/"),
        ("\u00a0//evil.example", "/"),
        ("/\u2028/evil.example", "/"),
        ("", "/"),
    ],
)
async def test_a_log_in_leads_only_to_pages_of_ours(
    seated: Seated, wanted: str, reached: str
) -> None:
    browser = seated.browser
    page = await browser.get("/")
    await browser.submit(page, "/logout")
    page = await browser.get("/login")
    answer = await browser.submit(
        page, "/login", email=seated.customer.email, password=PASSWORD, next=wanted
    )
    assert (answer.status, answer.location) == (303, reached)
    assert "a" not in cookies_of(answer)


async def test_what_is_encoded_twice_stays_a_path_of_ours(seated: Seated) -> None:
    answer = await seated.browser.get("/login?next=%2F%252Fevil.example")
    assert answer.location == "/%2Fevil.example"
