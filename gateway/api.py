"""The gateway's own routes: the dashboard and the live stream."""

from aiohttp import web

from chassis.http import Call, Routes, customer, signed_in
from contracts.api.gateway import DashboardView, StreamEventView
from gateway.dashboard import Dashboard
from gateway.stream import STREAMS

DASHBOARD: web.AppKey[Dashboard] = web.AppKey("dashboard")

routes = Routes(tag="dashboard")
live = Routes(tag="stream")


@routes.get("/dashboard", policy=customer())
async def show_dashboard(call: Call) -> DashboardView:
    """Show the first page.

    A panel whose service doesn't answer is null and named in `unavailable`.
    """
    headers = call.request.headers
    panels = await call.resources[DASHBOARD].gather(
        headers["Authorization"], headers.get("Accept-Language")
    )
    return panels.view()


@live.get("/stream", policy=signed_in(), stream_of=StreamEventView, seconds=None)
async def stream_changes(call: Call) -> web.StreamResponse:
    """Hear of what changes, the moment it does.

    Server-sent events, named after what happened; `data` says to what, by ids. A
    customer's people hear of what is theirs and open to them, staff of all that they
    may read. Upon `reset`, which has no subject, load anew what is shown: something may
    have been missed. The stream ends with the access token, or its session; whoever
    comes back with `Last-Event-ID` is told first what came after it.
    """
    return await call.resources[STREAMS].answer(
        call.request,
        call.principal,
        until=call.principal.expires_at,
        last_event_id=call.request.headers.get("Last-Event-ID"),
    )
