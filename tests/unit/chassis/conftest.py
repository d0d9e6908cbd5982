"""A process's HTTP on a free port, without a database."""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import AsyncExitStack
from ipaddress import IPv4Network
from typing import Any

import pytest
from aiohttp import ClientSession, web

from chassis.clock import Clock
from chassis.http import Routes, build_app, server, serving
from chassis.resources import Resources
from tests.support.tokens import a_verifier

Serve = Callable[..., Awaitable[ClientSession]]


def an_app(
    *routes: Routes,
    behind_gateway: bool = True,
    trusted_proxies: Collection[IPv4Network] = (),
) -> web.Application:
    return build_app(
        name="test",
        routes=routes,
        resources=Resources(),
        verifier=a_verifier(),
        clock=Clock(),
        behind_gateway=behind_gateway,
        trusted_proxies=trusted_proxies,
    )


@pytest.fixture
async def serve(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Serve]:
    """Serve these routes and return a client that speaks to them."""
    monkeypatch.setattr(server, "LINGER_SECONDS", 0.1)
    async with AsyncExitStack() as stack:

        async def start(*routes: Routes, **options: Any) -> ClientSession:
            app = an_app(*routes, **options)
            port = await stack.enter_async_context(
                serving(app, host="127.0.0.1", port=0)
            )
            return await stack.enter_async_context(
                ClientSession(f"http://127.0.0.1:{port}")
            )

        yield start
