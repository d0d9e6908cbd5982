"""The panels of the first page, for the gateway alone: one call instead of three."""

import asyncio

from chassis.http import Call, Routes, customer
from contracts.api.billing.domains import ListDomains
from contracts.api.billing.orders import ListServices
from contracts.api.billing.overview import OverviewView, ShowOverview
from services.billing.api.domains import list_domains
from services.billing.api.invoices import sum_outstanding
from services.billing.api.services import list_services

#: The gateway passes no path of `/internal` on.
routes = Routes(tag="overview", prefix="/internal")


@routes.get("/overview", policy=customer("services") | customer("billing"))
async def show_overview(call: Call, query: ShowOverview) -> OverviewView:
    """Show what the routes of these panels answer, as far as the caller may ask."""
    may = call.principal.permissions
    services = ListServices(limit=query.limit, count=True)
    domains = ListDomains(limit=query.limit, count=True)
    panels = await asyncio.gather(
        list_services(call, services) if "services" in may else _nothing(),
        list_domains(call, domains) if "services" in may else _nothing(),
        sum_outstanding(call) if "billing" in may else _nothing(),
    )
    return OverviewView(services=panels[0], domains=panels[1], open_invoices=panels[2])


async def _nothing() -> None:
    """Stand for a panel that the caller may not see."""
