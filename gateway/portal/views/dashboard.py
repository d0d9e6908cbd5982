"""The first page: contact, counts, services, last open tickets, domains, news."""

import asyncio

from aiohttp import web

from chassis.client import UpstreamAway
from chassis.http.policies import signed_in
from contracts.api.billing.invoices import OutstandingView
from gateway.portal.languages import current_language
from gateway.portal.pages import Pages
from gateway.portal.visit import Visit
from gateway.services import Refused

pages = Pages()


@pages.get("/", policy=signed_in())
async def show_dashboard(visit: Visit) -> web.Response:
    """Show the panels; one whose service doesn't answer says so, and costs no other."""
    session = visit.session
    if session is None or session.principal.is_staff:
        return visit.go("/staff/tickets")
    authorization = f"Bearer {session.access_token}"
    panels, outstanding = await asyncio.gather(
        visit.portal.dashboard.gather(authorization, current_language()),
        _outstanding(visit),
    )
    return visit.render(
        "dashboard/dashboard.html",
        panels=panels,
        contact=panels.contact or session.me,
        outstanding=outstanding,
    )


async def _outstanding(visit: Visit) -> OutstandingView | None:
    try:
        return await visit.api.get("/invoices/outstanding", OutstandingView)
    except (Refused, UpstreamAway):
        return None
