"""Each request's cause, log line and measurements: one middleware around all others."""

import re
import time
from collections.abc import Collection
from contextlib import AbstractContextManager
from functools import lru_cache
from http import HTTPStatus
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import TypeAlias

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from prometheus_client import Counter, Gauge, Histogram

from chassis.context import Cause
from chassis.ids import uuid7
from chassis.tracing import FORWARDED_FOR, HEADER, REQUEST_ID, Span, readable, traced

Network: TypeAlias = IPv4Network | IPv6Network

REQUESTS = Counter(
    "http_requests_total", "Requests answered.", ("method", "route", "status")
)
SECONDS = Histogram(
    "http_request_duration_seconds", "Time to answer a request.", ("method", "route")
)
IN_PROGRESS = Gauge("http_requests_in_progress", "Requests being answered.")

_SANE_ID = re.compile(r"[0-9A-Za-z._-]{8,64}", re.ASCII)
_SANE_ADDRESS = re.compile(r"[0-9A-Fa-f.:]{2,45}", re.ASCII)
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
_CAUSE = web.RequestKey("cause", Cause)
_UNKNOWN_ROUTE = "unknown"
#: Asked every few seconds by what watches the process: nobody's requests.
_WATCHING = frozenset(("/health/live", "/health/ready", "/metrics"))

log = structlog.get_logger("http")


def observing(
    *, behind_gateway: bool, trusted_proxies: Collection[Network] = ()
) -> Middleware:
    """Return the middleware; only behind the gateway are its headers believed.

    A service is reached through the gateway alone, which puts the request's id and,
    as the last hop, the client's address into the headers. The gateway itself, facing
    the world, makes ids and traces of its own and goes by the connection's address,
    unless that is a trusted proxy's, which names the client in the same way.
    """

    # The few addresses of proxies, or of clients, come again and again.
    @lru_cache(maxsize=1024)
    def is_trusted(address: str | None) -> bool:
        return address is not None and any(
            ip_address(address) in network for network in trusted_proxies
        )

    @web.middleware
    async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
        if _is_watching(request, behind_gateway=behind_gateway):
            return await handler(request)
        cause = _cause_of(
            request,
            behind_gateway=behind_gateway,
            names_client=behind_gateway or is_trusted(request.remote),
        )
        request[_CAUSE] = cause
        with _span(cause, request) as span, IN_PROGRESS.track_inprogress():
            started = time.perf_counter()
            status = 499  # as proxies call it: the client went away
            try:
                response = await handler(request)
                status = response.status
                return response
            finally:
                seconds = time.perf_counter() - started
                _measure(request, status, seconds)
                span.set("http.response.status_code", status)
                if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                    span.fail(str(status))
                if not (behind_gateway and _is_a_read(request, status)):
                    _tell(request, status, seconds)

    return observe


def _is_watching(request: web.Request, *, behind_gateway: bool) -> bool:
    # The gateway looks at services where they may have no such route.
    asked = request.path if behind_gateway else _route_of(request)
    return asked in _WATCHING


async def label(request: web.Request, response: web.StreamResponse) -> None:
    """Tell the client the request's id, and not what software answers."""
    response.headers.popall("Server", None)
    if _CAUSE in request:
        response.headers[REQUEST_ID] = request[_CAUSE].cause_id


def _cause_of(
    request: web.Request, *, behind_gateway: bool, names_client: bool
) -> Cause:
    request_id = _request_id(request) if behind_gateway else str(uuid7())
    return Cause(
        cause_id=request_id,
        correlation_id=request_id,
        actor="anonymous",
        traceparent=readable(request.headers.get(HEADER)) if behind_gateway else None,
        address=_address(request, names_client=names_client),
    )


def _request_id(request: web.Request) -> str:
    given = request.headers.get(REQUEST_ID, "")
    return given if _SANE_ID.fullmatch(given) else str(uuid7())


def _address(request: web.Request, *, names_client: bool) -> str | None:
    if names_client:
        # Some proxies add a header of their own below the client's.
        hops = ",".join(request.headers.getall(FORWARDED_FOR, ()))
        hop = hops.rpartition(",")[2].strip()
        if _SANE_ADDRESS.fullmatch(hop):
            return hop
    return request.remote


def _span(cause: Cause, request: web.Request) -> AbstractContextManager[Span]:
    # Never the path: it may hold what people typed.
    method, route = _method_of(request), _route_of(request)
    attributes = {"http.request.method": method, "http.route": route}
    return traced(cause, f"{method} {route}", "server", attributes)


def _measure(request: web.Request, status: int, seconds: float) -> None:
    route, method = _route_of(request), _method_of(request)
    REQUESTS.labels(method, route, str(status)).inc()
    SECONDS.labels(method, route).observe(seconds)


def _is_a_read(request: web.Request, status: int) -> bool:
    # The gateway's log has it already, under the same request id.
    return request.method in ("GET", "HEAD") and status < HTTPStatus.BAD_REQUEST


def _tell(request: web.Request, status: int, seconds: float) -> None:
    log.info(
        "request",
        method=request.method,
        route=_route_of(request),
        status=status,
        milliseconds=round(seconds * 1000, 1),
    )


def _method_of(request: web.Request) -> str:
    return request.method if request.method in _METHODS else "other"


def _route_of(request: web.Request) -> str:
    """Return the route's template: paths would be labels without end."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else _UNKNOWN_ROUTE
