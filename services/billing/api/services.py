"""The routes of services."""

from datetime import datetime
from uuid import UUID

from chassis.http import Call, Page, Routes, customer, decode_cursor, staff
from contracts.api.billing.orders import (
    ListServices,
    ListStaffServices,
    ServiceView,
    StaffServiceView,
)
from services.billing.api.views import view_service, view_service_for_staff
from services.billing.domain.services import Service, ServiceStatus
from services.billing.store import services as store
from services.billing.store.customers import list_customer_names
from services.billing.store.services import ServiceFilter

#: Who may ask for it, here and among the panels of the first page.
SEES_SERVICES = customer("services")

routes = Routes(tag="services")


@routes.get("/services", policy=SEES_SERVICES)
async def list_services(call: Call, query: ListServices) -> Page[ServiceView]:
    """List the caller's services, newest first."""
    found, total = await _find(call, query, scope=call.customer_id)
    return Page[ServiceView].of(
        [view_service(service) for service in found],
        limit=query.limit,
        cursor=_place,
        total=total,
    )


@routes.get("/services/{service_id}", policy=customer("services"))
async def show_service(call: Call, service_id: UUID) -> ServiceView:
    """Show one service."""
    async with call.reading() as tx:
        service = await store.get_service(tx, call.customer_id, service_id)
    return view_service(service)


@routes.get("/staff/services", policy=staff("services.read"))
async def list_staff_services(
    call: Call, query: ListStaffServices
) -> Page[StaffServiceView]:
    """List all customers' services, or one's, newest first."""
    found, total = await _find(call, query, scope=query.customer_id)
    async with call.reading() as tx:
        names = await list_customer_names(tx, (s.customer_id for s in found))
    return Page[StaffServiceView].of(
        [view_service_for_staff(s, names[s.customer_id]) for s in found],
        limit=query.limit,
        cursor=_place,
        total=total,
    )


@routes.get("/staff/services/{service_id}", policy=staff("services.read"))
async def show_staff_service(call: Call, service_id: UUID) -> StaffServiceView:
    """Show any customer's service."""
    async with call.reading() as tx:
        service = await store.get_service(tx, None, service_id)
        names = await list_customer_names(tx, [service.customer_id])
    return view_service_for_staff(service, names[service.customer_id])


async def _find(
    call: Call, query: ListServices, *, scope: UUID | None
) -> tuple[list[Service], int | None]:
    wanted = ServiceFilter(
        scope=scope, status=ServiceStatus(query.status) if query.status else None
    )
    before = decode_cursor(query.cursor, datetime, UUID)
    async with call.reading() as tx:
        found = await store.list_services(
            tx, wanted, before=before, limit=query.limit + 1
        )
        total = await query.total(found, lambda: store.count_services(tx, wanted))
    return found, total


def _place(service: ServiceView) -> tuple[datetime, UUID]:
    return service.created_at, service.id
