"""Calls to other processes' HTTP: bounded in time, carrying the cause along."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from chassis import tracing
from chassis.context import current_cause
from chassis.errors import Unavailable
from chassis.tracing import FORWARDED_FOR, HEADER, REQUEST_ID

CONNECT_SECONDS = 1.0
TOTAL_SECONDS = 10.0
MAXIMUM_CONNECTIONS = 200


class UpstreamAway(Unavailable):
    """Another part of the system doesn't answer right now; try again shortly."""


class ServiceClient:
    """One process seen from another; `open_client` makes it."""

    def __init__(self, base_url: str, session: aiohttp.ClientSession) -> None:
        self._base_url = base_url.rstrip("/")
        self._session = session

    async def get_json(self, path: str) -> Any:
        """Return the answer to a GET, or raise UpstreamAway if it is no success."""
        headers = carried_headers()
        try:
            async with self._session.get(self._base_url + path, headers=headers) as got:
                got.raise_for_status()
                return await got.json()
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise UpstreamAway from error


@asynccontextmanager
async def open_client(
    base_url: str, *, total_seconds: float = TOTAL_SECONDS
) -> AsyncGenerator[ServiceClient]:
    """Open a pool of connections to one process."""
    timeout = aiohttp.ClientTimeout(
        total=total_seconds, connect=CONNECT_SECONDS, sock_connect=CONNECT_SECONDS
    )
    connector = aiohttp.TCPConnector(limit=MAXIMUM_CONNECTIONS)
    async with aiohttp.ClientSession(
        timeout=timeout,
        connector=connector,
        auto_decompress=False,
        middlewares=client_middlewares(),
    ) as session:
        yield ServiceClient(base_url, session)


def client_middlewares() -> Sequence[aiohttp.ClientMiddlewareType]:
    """Return what every session of calls to other processes goes through."""
    return () if tracing.recorder() is None else (_traced,)


async def _traced(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Make the call, until its answer begins, a span, and the other side its child."""
    recording = tracing.recorder()
    if recording is None or current_cause().traceparent is None:
        return await handler(request)
    # Where to, but not what: the other side tells its route, which names nobody.
    attributes = {
        "http.request.method": request.method,
        "server.address": request.url.host or "",
        "server.port": request.url.port or 0,
    }
    with recording.detail(request.method, "client", attributes) as (span, traceparent):
        request.headers[HEADER] = traceparent
        response = await handler(request)
        span.set("http.response.status_code", response.status)
        return response


def carried_headers() -> dict[str, str]:
    """Return the headers by which another process knows whose request it answers."""
    cause = current_cause()
    headers = {REQUEST_ID: cause.cause_id}
    if cause.traceparent:
        headers[HEADER] = cause.traceparent
    if cause.address:
        headers[FORWARDED_FOR] = cause.address
    return headers
