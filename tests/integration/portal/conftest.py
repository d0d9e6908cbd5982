"""What tests of the pages stand on: browsers, and people to sit at them."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from tests.e2e.journey import PASSWORD, Customer, register
from tests.e2e.stack import Product, Stack, visiting
from tests.integration.gateway.conftest import (
    announcer,
    gateway,
    services,
    standing_clock,
)
from tests.integration.portal.browsing import Browser
from tests.integration.portal.doors import browser_at
from tests.support.running import Running

__all__ = ["announcer", "gateway", "services", "standing_clock"]

OpenBrowser = Callable[..., Browser]


@dataclass(frozen=True)
class Seated:
    """A customer of the test's own, logged in at a browser."""

    browser: Browser
    customer: Customer


@dataclass(frozen=True)
class Onlooker:
    """Somebody logged in who changes nothing, so that one serves many tests."""

    browser: Browser
    email: str


@dataclass
class KeptSession:
    """The onlooker's session: each test brings a browser of its own."""

    email: str = ""
    token: str = ""


NewCustomer = Callable[..., Awaitable[Seated]]


@pytest.fixture
async def stack(product: Product) -> AsyncGenerator[Stack]:
    """The running product, which must agree with itself after the tests."""
    async with visiting(product) as stack:
        yield stack


@pytest.fixture
async def open_browser(stack: Stack) -> AsyncGenerator[OpenBrowser]:
    """Open a browser with no cookies yet."""
    opened: list[Browser] = []

    def open_(**options: str) -> Browser:
        opened.append(Browser(stack.demo["gateway"], **options))
        return opened[-1]

    yield open_
    for browser in opened:
        await browser.http.close()


@pytest.fixture
async def visitor(open_browser: OpenBrowser) -> Browser:
    return open_browser()


@pytest.fixture
def new_customer(stack: Stack, open_browser: OpenBrowser) -> NewCustomer:
    """Register a customer, and log them in by the form."""

    async def make(**details: object) -> Seated:
        customer = await register(stack.api, **details)
        browser = open_browser(language=str(details.get("language", "en")))
        page = await browser.log_in(customer.email, PASSWORD)
        assert urlsplit(page.location).path == "/"
        return Seated(browser, customer)

    return make


@pytest.fixture
async def seated(new_customer: NewCustomer) -> Seated:
    return await new_customer()


@pytest.fixture(scope="session")
def kept_session() -> KeptSession:
    return KeptSession()


@pytest.fixture
async def onlooker(
    stack: Stack, open_browser: OpenBrowser, kept_session: KeptSession
) -> Onlooker:
    browser = open_browser()
    if not kept_session.token:
        kept_session.email = (await register(stack.api)).email
        await browser.log_in(kept_session.email, PASSWORD)
        kept_session.token = browser.cookie("session") or ""
    browser.plant("session", kept_session.token)
    return Onlooker(browser, kept_session.email)


@pytest.fixture
async def behind_tls(gateway: Running) -> AsyncGenerator[Browser]:
    """A browser at a gateway of its own, whose services only seem to be there."""
    browser = await browser_at(gateway)
    yield browser
    await browser.http.close()
