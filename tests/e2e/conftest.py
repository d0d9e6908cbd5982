"""Every test of the whole ends with the audit."""

from collections.abc import AsyncGenerator

import pytest

from tests.e2e.stack import Product, Stack, visiting


@pytest.fixture
async def stack(product: Product) -> AsyncGenerator[Stack]:
    """The running product, which must agree with itself after the test."""
    async with visiting(product) as stack:
        yield stack
        assert await stack.audit() == ""
