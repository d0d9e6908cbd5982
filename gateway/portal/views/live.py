"""The stream of changes for open pages, which come with their cookie."""

from aiohttp import web

from chassis.errors import NotAuthenticated
from chassis.http.policies import signed_in
from gateway.portal.pages import Pages
from gateway.portal.visit import Visit

pages = Pages()


@pages.get("/live", policy=signed_in(), is_use=False)
async def hear(visit: Visit) -> web.StreamResponse:
    """Tell the page what changes from when it was made; see `GET /api/v1/stream`."""
    if visit.principal is None:
        raise NotAuthenticated
    return await visit.portal.streams.answer(
        visit.request,
        visit.principal,
        until=visit.principal.expires_at,
        last_event_id=visit.request.headers.get(
            "Last-Event-ID", visit.query.get("after")
        ),
    )
