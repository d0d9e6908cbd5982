"""The product as `make run` starts it, for benches that measure the whole."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from tests.e2e.client import Api
from tests.e2e.stack import Stack, open_folder, running_product, visiting

#: All of a load comes from one address.
ENVIRONMENT = {"ADDRESS_LIMIT_FACTOR": "10000"}


@asynccontextmanager
async def started() -> AsyncGenerator[Stack]:
    """Run everything, with its own servers and the demo, until the block ends."""
    with (
        open_folder() as folder,
        running_product(folder / "data", ENVIRONMENT) as product,
    ):
        async with visiting(product) as stack:
            yield stack


async def first_customer(stack: Stack) -> Api:
    """Log in one of the demo's customers; anew for each load, as tokens end."""
    login = next(each for each in stack.demo["logins"] if each["role"] == "customer")
    return await stack.api.log_in(login["email"], login["password"])


def bearing(api: Api) -> dict[str, str]:
    return {"Authorization": f"Bearer {api.token}"}
