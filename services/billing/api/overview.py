"""The panels of the first page, for the gateway alone: one call instead of three."""

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
    """Show what the routes of these panels answer, as far as the caller may ask them.

    One after the other: a page takes one of the process's connections at a time.
    """
    may = call.principal.permissions
    services = ListServices(limit=query.limit, count=True)
    domains = ListDomains(limit=query.limit, count=True)
    return OverviewView(
        services=await list_services(call, services) if "services" in may else None,
        domains=await list_domains(call, domains) if "services" in may else None,
        open_invoices=await sum_outstanding(call) if "billing" in may else None,
    )
