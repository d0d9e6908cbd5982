"""The gateway on one screen: what it answers itself, and what it passes on."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from aiohttp import ClientSession, web

from chassis.http import document_of
from chassis.process import Process
from chassis.resources import VERIFIER, Resources
from gateway.api import DASHBOARD, routes
from gateway.dashboard import Dashboard
from gateway.docs import add_docs
from gateway.documents import Documents
from gateway.headers import security_headers
from gateway.limits import flood_limit
from gateway.proxy import Proxy, open_upstream
from gateway.settings import SETTINGS, Settings

UPSTREAM: web.AppKey[ClientSession] = web.AppKey("upstream")

ROUTES = (routes,)


@asynccontextmanager
async def open_resources(
    resources: Resources, settings: Settings
) -> AsyncGenerator[None]:
    """Open the session to the services, and the dashboard on top of it."""
    async with open_upstream() as upstream:
        resources[SETTINGS] = settings
        resources[UPSTREAM] = upstream
        resources[DASHBOARD] = Dashboard(settings, upstream)
        yield


def extend(app: web.Application, resources: Resources) -> None:
    """Add what isn't a declared route: limits, headers, documentation, the proxy."""
    settings, upstream = resources[SETTINGS], resources[UPSTREAM]
    app.middlewares.append(flood_limit(settings))
    app.on_response_prepare.append(security_headers(settings))
    own = document_of(ROUTES, title="Client Area")
    add_docs(app, Documents(upstream, settings), own)
    proxy = Proxy(settings, upstream, resources[VERIFIER])
    app.router.add_route("*", "/api/v1/{path:.+}", proxy.forward)


PROCESS = Process(
    name="gateway",
    package="gateway",
    settings=Settings,
    routes=ROUTES,
    resources=open_resources,
    extend=extend,
    has_database=False,
    behind_gateway=False,
)
