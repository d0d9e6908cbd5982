"""The first page: contact, counts, services, last open tickets, domains, news."""

from aiohttp import web

from chassis.errors import NotAuthenticated
from chassis.http.policies import signed_in
from gateway.portal.languages import current_language
from gateway.portal.menu import menu_of
from gateway.portal.pages import Pages
from gateway.portal.visit import Visit

pages = Pages()


@pages.get("/", policy=signed_in())
async def show_dashboard(visit: Visit) -> web.Response:
    """Show the panels; one whose service doesn't answer says so, and costs no other."""
    session = visit.session
    if session is None:
        raise NotAuthenticated
    if session.principal.is_staff:
        return _lead_to_work(visit)
    authorization = f"Bearer {session.access_token}"
    panels = await visit.portal.dashboard.gather(authorization, current_language())
    return visit.render(
        "dashboard/dashboard.html",
        panels=panels.view(),
        contact=panels.contact or session.me,
        outstanding=panels.open_invoices,
    )


def _lead_to_work(visit: Visit) -> web.Response:
    """Lead staff to the first thing that they may do."""
    sections = menu_of(visit)
    return visit.go(sections[0].entries[0].path if sections else "/security")
