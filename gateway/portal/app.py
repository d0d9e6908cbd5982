"""The portal on one screen: its pages, and what they stand on."""

from aiohttp import web

from chassis.http.policies import public
from gateway.portal.assets import add_assets
from gateway.portal.pages import Pages, add_pages, show_no_page
from gateway.portal.rendering import set_up_templates
from gateway.portal.views import (
    attachments,
    credit,
    dashboard,
    invoice,
    invoices,
    live,
    mails,
    news,
    orders,
    payments,
    people,
    registration,
    services,
    session,
    staff_customers,
    staff_invoices,
    staff_ledger,
    staff_mails,
    staff_news,
    staff_payments,
    staff_runs,
    staff_services,
    staff_tickets,
    style,
    tickets,
)
from gateway.portal.visit import Portal

#: One group a view; an address belongs to the first that declares it.
PAGES = (
    session.pages,
    registration.pages,
    dashboard.pages,
    orders.pages,
    invoices.pages,
    invoice.pages,
    payments.pages,
    credit.pages,
    services.pages,
    news.pages,
    mails.pages,
    people.pages,
    style.pages,
    live.pages,
    tickets.pages,
    attachments.pages,
    staff_tickets.pages,
    staff_payments.pages,
    staff_customers.pages,
    staff_invoices.pages,
    staff_services.pages,
    staff_runs.pages,
    staff_ledger.pages,
    staff_news.pages,
    staff_mails.pages,
)


def add_portal(app: web.Application, portal: Portal) -> None:
    """Serve the pages and what they need; every other address says that it is none."""
    set_up_templates(app, company=portal.settings.company_name)
    add_assets(app)
    nothing = Pages()
    # Whatever it is asked with; what isn't there of the API is told as a problem.
    nothing.any("/{path:(?!api/).*}", policy=public())(show_no_page)
    add_pages(app, portal, *PAGES, nothing)
