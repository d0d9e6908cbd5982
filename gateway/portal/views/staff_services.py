"""One service of any customer, as staff sees it."""

from uuid import UUID

from aiohttp import web

from chassis.http.policies import staff
from contracts.api.billing.orders import StaffOrderView, StaffServiceView
from gateway.portal.pages import Pages
from gateway.portal.views.beside import find_beside
from gateway.portal.visit import Visit

pages = Pages()


@pages.get("/staff/services/{service_id}", policy=staff("services.read"))
async def show_service(visit: Visit, service_id: UUID) -> web.Response:
    service = await visit.api.get(f"/staff/services/{service_id}", StaffServiceView)
    path = f"/staff/orders/{service.order_id}"
    order = await find_beside(visit, "orders.read", path, StaffOrderView)
    return visit.render("staff_services/service.html", service=service, order=order)
