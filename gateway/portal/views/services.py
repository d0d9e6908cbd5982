"""What the customer has bought: services, and domain names."""

from uuid import UUID

from aiohttp import web

from chassis.http import Page
from chassis.http.policies import customer
from contracts.api.billing.domains import DomainView
from contracts.api.billing.orders import OrderView, ServiceView
from gateway.portal.pages import Pages
from gateway.portal.visit import Visit

pages = Pages()

#: As the API knows them, and as the page's filter offers them.
STATUSES = ("active", "pending", "suspended", "terminated", "cancelled")


@pages.get("/services", policy=customer("services"))
async def list_services(visit: Visit) -> web.Response:
    status = visit.query.get("status")
    chosen = status if status in STATUSES else None
    services = await visit.api.get(
        "/services",
        Page[ServiceView],
        status=chosen,
        cursor=visit.query.get("cursor"),
        count=True,
    )
    return visit.render(
        "services/list.html", services=services, chosen=chosen, statuses=STATUSES
    )


@pages.get("/services/{service_id}", policy=customer("services"))
async def show_service(visit: Visit, service_id: UUID) -> web.Response:
    service = await visit.api.get(f"/services/{service_id}", ServiceView)
    order = await visit.api.get(f"/orders/{service.order_id}", OrderView)
    return visit.render("services/service.html", service=service, order=order)


@pages.get("/domains", policy=customer("services"))
async def list_domains(visit: Visit) -> web.Response:
    domains = await visit.api.get(
        "/domains", Page[DomainView], cursor=visit.query.get("cursor")
    )
    return visit.render("services/domains.html", domains=domains)
