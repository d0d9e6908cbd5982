"""The gateway on one screen: what it answers itself, and what it passes on."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from functools import partial

from aiohttp import web

from chassis.context import current_cause
from chassis.http import REFUSAL_PAGE, document_of
from chassis.process import Process
from chassis.resources import CLOCK, VERIFIER, Resources
from chassis.settings import require
from contracts.events.accounts import (
    CustomerUpdated,
    SessionEnded,
    StaffMemberUpdated,
)
from gateway.api import DASHBOARD, live, routes
from gateway.dashboard import Dashboard
from gateway.docs import add_docs
from gateway.documents import Documents
from gateway.events import LIVE_EVENTS, LiveEvents
from gateway.headers import add_security_headers, security_headers
from gateway.limits import flood_limit, session_known
from gateway.portal.app import add_portal
from gateway.portal.assets import require_fetched
from gateway.portal.cookies import Cookies
from gateway.portal.lastpage import last_page
from gateway.portal.pages import add_faults
from gateway.portal.visit import Portal
from gateway.proxy import Proxy
from gateway.services import Services
from gateway.sessions import BrowserSessions
from gateway.settings import SETTINGS, Settings
from gateway.stream import STREAMS, Streams
from gateway.upstream import Upstream, open_upstream

UPSTREAM: web.AppKey[Upstream] = web.AppKey("upstream")

ROUTES = (routes, live)


@asynccontextmanager
async def open_resources(
    resources: Resources, settings: Settings
) -> AsyncGenerator[None]:
    """Open the session to the services, and hear of what happens in them."""
    require(settings, "amqp_url")
    require_fetched()
    streams = Streams(settings, resources[CLOCK])
    events = LiveEvents(streams)
    async with (
        open_upstream(settings) as upstream,
        events.listening(settings.amqp_url),
    ):
        resources[SETTINGS] = settings
        resources[UPSTREAM] = upstream
        resources[DASHBOARD] = Dashboard(settings, upstream)
        resources[STREAMS] = streams
        resources[LIVE_EVENTS] = events
        yield


def extend(app: web.Application, resources: Resources) -> None:
    """Add what isn't a declared route: limits, headers, documentation, the proxy."""
    settings, upstream = resources[SETTINGS], resources[UPSTREAM]
    portal = _portal(resources)
    add_faults(app, portal)
    app.middlewares.append(
        flood_limit(settings, session_known(portal, resources[VERIFIER]))
    )
    app.on_response_prepare.append(security_headers(settings))
    app[REFUSAL_PAGE] = partial(_refusal_page, settings)
    app.on_shutdown.append(resources[STREAMS].close)
    own = document_of(ROUTES, title="Client Area")
    add_docs(app, Documents(upstream), own)
    proxy = Proxy(settings, upstream, resources[VERIFIER])
    app.router.add_route("*", "/api/v1/{path:.+}", proxy.forward)
    _follow(resources[LIVE_EVENTS], portal.sessions)
    add_portal(app, portal)


def _refusal_page(settings: Settings, status: int) -> web.StreamResponse:
    """Return the page for a request that no part of the application gets to see."""
    page = last_page(status, current_cause().cause_id)
    add_security_headers(settings, page)
    return page


async def degraded(resources: Resources) -> Sequence[str]:
    """Return which services have stopped answering: the others are still to be had."""
    return await resources[UPSTREAM].degraded()


def _follow(events: LiveEvents, sessions: BrowserSessions) -> None:
    """Let sessions that are kept here end and change as those at accounts do."""
    events.on(SessionEnded, sessions.note_ended)
    events.on(CustomerUpdated, sessions.forget_customer)
    events.on(StaffMemberUpdated, sessions.forget_user)
    events.on_gap(sessions.forget_all)


def _portal(resources: Resources) -> Portal:
    settings = resources[SETTINGS]
    services = Services(settings, resources[UPSTREAM])
    return Portal(
        settings=settings,
        services=services,
        sessions=BrowserSessions(services, resources[VERIFIER]),
        dashboard=resources[DASHBOARD],
        streams=resources[STREAMS],
        cookies=Cookies.of(settings),
    )


PROCESS = Process(
    name="gateway",
    package="gateway",
    settings=Settings,
    routes=ROUTES,
    resources=open_resources,
    extend=extend,
    degraded=degraded,
    has_database=False,
    behind_gateway=False,
)
