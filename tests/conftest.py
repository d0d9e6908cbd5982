"""What all tests share: the servers, databases and queues of their own, the product."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from contextlib import AbstractContextManager, AsyncExitStack, contextmanager
from pathlib import Path

import pytest
import structlog

from chassis.process import Process
from tests.e2e.stack import Product, open_folder, running_product
from tests.support.databases import ServiceDatabase, empty, fresh_database, fresh_vhost
from tests.support.running import declare_queues
from tests.support.servers import Servers, name_session, shared_servers, stop_servers

#: Makes the process a database with its migrations applied, and drops it at the end.
MakeDatabase = Callable[[Process], Awaitable[ServiceDatabase]]
#: Lends the process a database that no other test uses meanwhile, and empties it; for
#: tests that change rows alone. Not for async fixtures.
LendDatabase = Callable[[Process], AbstractContextManager[ServiceDatabase]]
#: Makes a virtual host with the process's queues declared.
MakeQueues = Callable[[Process], Awaitable[str]]


def pytest_configure(config: pytest.Config) -> None:
    _log_to_pytest()
    if not hasattr(config, "workerinput"):
        name_session()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give time to start the whole product on a busy machine."""
    for item in items:
        needs_product = "product" in getattr(item, "fixturenames", ())
        if needs_product and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(300))


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        stop_servers()


def _log_to_pytest() -> None:
    """Let pytest show, with a test that fails, what was logged meanwhile."""
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(),
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
    )


@pytest.fixture(scope="session")
def servers() -> Servers:
    return shared_servers()


@pytest.fixture
async def make_database(servers: Servers) -> AsyncIterator[MakeDatabase]:
    async with AsyncExitStack() as stack:

        async def make(process: Process) -> ServiceDatabase:
            return await stack.enter_async_context(
                fresh_database(servers, process.name, process.package)
            )

        yield make


@pytest.fixture(scope="session")
def lend_database(servers: Servers) -> Iterator[LendDatabase]:
    """One database of each service, emptied each time: to make one takes longer."""
    made: dict[str, ServiceDatabase] = {}
    stack = AsyncExitStack()
    with asyncio.Runner() as runner:

        @contextmanager
        def lend(process: Process) -> Generator[ServiceDatabase]:
            if process.name not in made:
                fresh = fresh_database(servers, process.name, process.package)
                made[process.name] = runner.run(stack.enter_async_context(fresh))
            try:
                yield made[process.name]
            finally:
                runner.run(empty(made[process.name]))

        yield lend
        runner.run(stack.aclose())


@pytest.fixture
async def amqp_url(servers: Servers) -> AsyncIterator[str]:
    """An empty virtual host of the test's own."""
    async with fresh_vhost(servers) as url:
        yield url


@pytest.fixture
def make_queues(amqp_url: str) -> MakeQueues:
    async def make(process: Process) -> str:
        await declare_queues(amqp_url, process)
        return amqp_url

    return make


@pytest.fixture(scope="session")
def product() -> Generator[Product]:
    """The whole product, one for each test worker, as its start takes seconds.

    TEST_PRODUCT names the data folder of one that runs, to use instead.
    """
    if given := os.environ.get("TEST_PRODUCT"):
        yield Product(Path(given))
        return
    with open_folder() as folder, running_product(folder / "data folder") as product:
        yield product
