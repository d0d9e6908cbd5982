"""One product for each test worker; every test ends with the audit."""

from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest

from tests.e2e.stack import Product, Stack, running_product, visiting


def reachable(folder: Path) -> Path:
    """Let servers that run as another user, where we are root, reach their files."""
    for each in (folder, *list(folder.parents)[:2]):
        each.chmod(0o755)
    return folder


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Generator[Product]:
    folder = reachable(tmp_path_factory.mktemp("product")) / "data folder"
    with running_product(folder) as product:
        yield product


@pytest.fixture
async def stack(product: Product) -> AsyncGenerator[Stack]:
    """The running product, which must agree with itself after the test."""
    async with visiting(product) as stack:
        yield stack
        assert await stack.audit() == ""
