"""Customers at work while something is done to the stack: every answer is noted."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp

from tests.e2e.client import Api
from tests.e2e.journey import PASSWORD, Customer, order, register

CUSTOMERS = 3
PAUSE_SECONDS = 0.3


@dataclass
class Load:
    """What came of all requests."""

    answered: int = 0
    failures: list[str] = field(default_factory=list[str])


@asynccontextmanager
async def load(url: str) -> AsyncGenerator[Load]:
    """Let customers read and write, without patience, while the block runs."""
    noted, stopping = Load(), asyncio.Event()
    async with aiohttp.ClientSession() as http:
        customers = [await register(Api(http, url)) for _ in range(CUSTOMERS)]
        async with asyncio.TaskGroup() as tasks:
            for customer in customers:
                tasks.create_task(_work(customer, noted, stopping))
            try:
                yield noted
            finally:
                stopping.set()


async def _work(customer: Customer, noted: Load, stopping: asyncio.Event) -> None:
    """Look around, ask, and order, over and over; a session lasts for minutes."""
    loop = asyncio.get_running_loop()
    renewed_at = loop.time()
    while not stopping.is_set():
        if loop.time() - renewed_at > 120:
            renewed_at = loop.time()
            await _noted(noted, "log in", _renewed(customer))
        for path in ("/dashboard", "/invoices", "/tickets", "/news", "/me"):
            await _noted(noted, path, customer.api.get(path))
        await _noted(noted, "order", order(customer))
        await _noted(noted, "ask", _asked(customer))
        await asyncio.sleep(PAUSE_SECONDS)


async def _renewed(customer: Customer) -> None:
    customer.api = await customer.api.log_in(customer.email, PASSWORD)


async def _asked(customer: Customer) -> None:
    body = {
        "department": "support",
        "subject": "A question",
        "message": "How?",
        "priority": "low",
    }
    await customer.api.post("/tickets", body)


async def _noted(noted: Load, what: str, call: Awaitable[object]) -> None:
    try:
        await call
    except (AssertionError, aiohttp.ClientError, TimeoutError) as fault:
        noted.failures.append(f"{what}: {fault!r}")
    else:
        noted.answered += 1
