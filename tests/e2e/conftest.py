"""One product for each test worker; every test ends with the audit."""

from collections.abc import AsyncGenerator, Generator

import pytest

from tests.e2e.stack import Product, Stack, running_product, visiting


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Generator[Product]:
    folder = tmp_path_factory.mktemp("product") / "data folder"
    # The servers run as another user where we are root, and must reach their files.
    for each in (folder.parent, folder.parent.parent, folder.parent.parent.parent):
        each.chmod(0o755)
    with running_product(folder) as product:
        yield product


@pytest.fixture
async def stack(product: Product) -> AsyncGenerator[Stack]:
    """The running product, which must agree with itself after the test."""
    async with visiting(product) as stack:
        yield stack
        assert await stack.audit() == []
