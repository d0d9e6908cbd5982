"""The panels of the first page, for the gateway alone: one call instead of three."""

import asyncio

from chassis.http import Call, Routes
from contracts.api.billing.domains import ListDomains
from contracts.api.billing.orders import ListServices
from contracts.api.billing.overview import OverviewView, ShowOverview
from services.billing.api.domains import SEES_DOMAINS, list_domains
from services.billing.api.invoices import SEES_OUTSTANDING, sum_outstanding
from services.billing.api.services import SEES_SERVICES, list_services

#: The gateway passes no path of `/internal` on.
routes = Routes(tag="overview", prefix="/internal")


@routes.get("/overview", policy=SEES_SERVICES | SEES_DOMAINS | SEES_OUTSTANDING)
async def show_overview(call: Call, query: ShowOverview) -> OverviewView:
    """Show what the routes of these panels answer, as far as the caller may ask."""
    who = call.principal
    services = ListServices(limit=query.limit, count=True)
    domains = ListDomains(limit=query.limit, count=True)
    panels = await asyncio.gather(
        list_services(call, services) if SEES_SERVICES.admits(who) else _nothing(),
        list_domains(call, domains) if SEES_DOMAINS.admits(who) else _nothing(),
        sum_outstanding(call) if SEES_OUTSTANDING.admits(who) else _nothing(),
    )
    return OverviewView(services=panels[0], domains=panels[1], open_invoices=panels[2])


async def _nothing() -> None:
    """Stand for a panel that the caller may not see."""
