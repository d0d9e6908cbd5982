"""How much one address may ask: calls and pages apart, and what pages need freely."""

from collections.abc import AsyncGenerator
from http import HTTPStatus

import pytest

from gateway.app import PROCESS
from gateway.portal.assets import asset_url
from tests.integration.gateway.conftest import SERVICES, Services
from tests.integration.portal.browsing import Browser
from tests.integration.portal.doors import (
    EXCHANGE,
    HOST,
    SESSION_TOKEN,
    answer_dashboard,
    browser_at,
    open_session,
)
from tests.support.running import running
from tests.support.tokens import a_customer, token_of

ALLOWED = 10


@pytest.fixture
async def limited(
    services: Services, amqp_url: str, standing_clock: None
) -> AsyncGenerator[Browser]:
    """A browser at a gateway that allows little."""
    del standing_clock  # requested for what it does
    urls = {f"{name}_url": services.url for name in SERVICES}
    async with running(
        PROCESS,
        amqp_url=amqp_url,
        public_url="https://client.example.com",
        requests_per_minute=ALLOWED,
        **urls,
    ) as gateway:
        browser = await browser_at(gateway)
        yield browser
        await browser.http.close()


async def exhaust(browser: Browser) -> None:
    for _ in range(ALLOWED):
        assert (await browser.get("/login")).status == HTTPStatus.OK


async def test_too_many_pages_are_answered_by_a_page_that_says_when_to_try_again(
    limited: Browser,
) -> None:
    await exhaust(limited)
    page = await limited.get("/login")
    assert page.status == HTTPStatus.TOO_MANY_REQUESTS
    assert page.headers["Content-Type"].startswith("text/html")
    assert page.headers["Retry-After"] == "5"
    assert page.headers["Cache-Control"] == "no-store"
    assert page.heading == "One moment, please"
    assert "Please try again in 5 seconds." in page.said


async def test_the_page_is_in_the_readers_language(limited: Browser) -> None:
    await exhaust(limited)
    page = await limited.get("/login", **{"Accept-Language": "pt-BR"})
    assert page.heading == "Um momento, por favor"


async def test_log_ins_and_unknown_sessions_count_and_cost_accounts_nothing(
    limited: Browser, services: Services
) -> None:
    page = await limited.get("/login")
    for _ in range(ALLOWED - 1):
        await limited.get("/")
    calls = len(services.calls)
    refused = await limited.submit(page, "/login", email="a@b.example", password="x")
    assert refused.status == HTTPStatus.TOO_MANY_REQUESTS
    for number in range(5):
        limited.plant("session", f"{number:043}", prefix=HOST)
        assert (await limited.get("/")).status == HTTPStatus.TOO_MANY_REQUESTS
    assert len(services.calls) == calls
    assert EXCHANGE not in {call.path for call in services.calls}


async def test_what_pages_are_made_of_is_free(limited: Browser) -> None:
    await exhaust(limited)
    for _ in range(3):
        for name in ("tabler.min.css", "portal.js"):
            assert (await limited.get(asset_url(name))).status == HTTPStatus.OK
        assert (await limited.get("/health/live")).status == HTTPStatus.OK


async def test_pages_and_calls_are_counted_apart(
    limited: Browser, services: Services
) -> None:
    services.answer("/api/v1/products", {"items": []})
    await exhaust(limited)
    for _ in range(ALLOWED):
        assert (await limited.get("/api/v1/products")).status == HTTPStatus.OK
    refused = await limited.get("/api/v1/products")
    assert refused.status == HTTPStatus.TOO_MANY_REQUESTS
    assert refused.headers["Content-Type"].startswith("application/problem+json")


async def test_who_is_signed_in_counts_by_session_however_busy_the_address_is(
    limited: Browser, services: Services
) -> None:
    answer_dashboard(services)
    open_session(services, a_customer())
    limited.plant("session", SESSION_TOKEN, prefix=HOST)
    # The first page finds out whose session it is, and counts by address as yet.
    assert (await limited.get("/")).status == HTTPStatus.OK
    anonymous = Browser(str(limited.url))
    for _ in range(ALLOWED - 1):
        assert (await anonymous.get("/login")).status == HTTPStatus.OK
    refused = await anonymous.get("/login")
    assert refused.status == HTTPStatus.TOO_MANY_REQUESTS
    await anonymous.http.close()
    for _ in range(ALLOWED):
        assert (await limited.get("/")).status == HTTPStatus.OK
    refused = await limited.get("/")
    assert refused.status == HTTPStatus.TOO_MANY_REQUESTS
    assert "from your browser" in refused.said


async def test_calls_with_a_token_count_by_its_session(
    limited: Browser, services: Services
) -> None:
    services.answer("/api/v1/products", {"items": []})
    services.answer("/api/v1/invoices", {"items": []})
    token = {"Authorization": f"Bearer {token_of(a_customer())}"}
    path = "/api/v1/invoices"
    assert (await limited.get(path, **token)).status == HTTPStatus.OK
    for _ in range(ALLOWED - 1):
        await limited.get("/api/v1/products")
    bad = {"Authorization": "Bearer nonsense"}
    assert (await limited.get(path, **bad)).status == HTTPStatus.TOO_MANY_REQUESTS
    for _ in range(ALLOWED):
        assert (await limited.get(path, **token)).status == HTTPStatus.OK
    refused = await limited.get(path, **token)
    assert refused.status == HTTPStatus.TOO_MANY_REQUESTS
    assert "SessionTooBusy" in refused.text
