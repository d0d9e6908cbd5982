"""The portal on one screen: its pages, and what they stand on."""

from aiohttp import web

from chassis.http.policies import public
from gateway.dashboard import Dashboard
from gateway.portal.assets import add_assets
from gateway.portal.cookies import Cookies
from gateway.portal.pages import Pages, add_pages, show_no_page
from gateway.portal.rendering import set_up_templates
from gateway.portal.views import dashboard, session
from gateway.portal.visit import Portal
from gateway.services import Services
from gateway.sessions import BrowserSessions
from gateway.settings import Settings

PAGES = (session.pages, dashboard.pages)


def add_portal(
    app: web.Application,
    settings: Settings,
    services: Services,
    sessions: BrowserSessions,
    dashboard: Dashboard,
) -> None:
    """Serve the pages and what they need; every other address says that it is none."""
    portal = Portal(settings, services, sessions, dashboard, Cookies.of(settings))
    set_up_templates(app, company=settings.company_name)
    add_assets(app)
    nothing = Pages()
    nothing.get("/{path:.*}", policy=public())(show_no_page)
    add_pages(app, portal, *PAGES, nothing)
