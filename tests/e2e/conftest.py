"""One product for each test worker; every test ends with the audit."""

import shutil
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.stack import Product, Stack, running_product, visiting


@contextmanager
def open_folder() -> Generator[Path]:
    """Yield a folder that servers running as another user can reach.

    Pytest's own temporary folders are closed again by every new run.
    """
    folder = Path(tempfile.mkdtemp(prefix="clientarea-e2e-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def product() -> Generator[Product]:
    with open_folder() as folder, running_product(folder / "data folder") as product:
        yield product


@pytest.fixture
async def stack(product: Product) -> AsyncGenerator[Stack]:
    """The running product, which must agree with itself after the test."""
    async with visiting(product) as stack:
        yield stack
        assert await stack.audit() == ""
