"""What browser tests stand on: one browser and one product for each test worker.

All of them run in one event loop, as a browser belongs to the loop that started it.
"""

from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.browser.chromium import open_browser
from tests.browser.pages import Shown
from tests.browser.portal import PATIENCE_MILLISECONDS, People, Portal, Readers
from tests.browser.watch import Watch
from tests.e2e.stack import Product, visiting

HERE = Path(__file__).parent
expect.set_options(timeout=PATIENCE_MILLISECONDS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncGenerator[Browser]:
    async with open_browser() as browser:
        yield browser


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def portal(product: Product, browser: Browser) -> AsyncGenerator[Portal]:
    """The running product, which must agree with itself after all the tests."""
    async with visiting(product) as stack:
        yield Portal(stack, browser)
        assert await stack.audit() == ""


@pytest.fixture
def watch() -> Generator[Watch]:
    """What the test's browsers complain of, which must be nothing."""
    watch = Watch()
    yield watch
    watch.assert_calm()


@pytest_asyncio.fixture(loop_scope="session")
async def people(portal: Portal, watch: Watch) -> AsyncGenerator[People]:
    """Visitors, customers and staff, each in a fresh browser context."""
    async with AsyncExitStack() as closing:
        yield People(portal, watch, closing)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def kept_readers(portal: Portal) -> AsyncGenerator[Readers]:
    async with AsyncExitStack() as closing:
        yield Readers(People(portal, Watch(), closing))


@pytest_asyncio.fixture(loop_scope="session")
async def readers(kept_readers: Readers, shown: Shown) -> AsyncGenerator[Readers]:
    """People who only look; their browsers are shared by all tests of a worker."""
    kept_readers.watch.forget()
    await kept_readers.turn_to(shown.name)
    yield kept_readers
    kept_readers.watch.assert_calm()
