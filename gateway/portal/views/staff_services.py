"""One service of any customer, as staff sees it."""

from uuid import UUID

from aiohttp import web

from chassis.http.policies import staff
from contracts.api.billing.orders import StaffOrderView, StaffServiceView
from gateway.portal.pages import Pages
from gateway.portal.visit import Visit
from gateway.services import if_there

pages = Pages()


@pages.get("/staff/services/{service_id}", policy=staff("services.read"))
async def show_service(visit: Visit, service_id: UUID) -> web.Response:
    service = await visit.api.get(f"/staff/services/{service_id}", StaffServiceView)
    order = await _order(visit, service.order_id)
    return visit.render("staff_services/service.html", service=service, order=order)


async def _order(visit: Visit, order_id: UUID) -> StaffOrderView | None:
    """Return the order that it came from, as far as the reader may see it."""
    if not visit.may("orders.read"):
        return None
    return await if_there(visit.api.get(f"/staff/orders/{order_id}", StaffOrderView))
