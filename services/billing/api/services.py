"""The routes of services."""

from datetime import datetime
from uuid import UUID

from chassis.http import Call, Page, Routes, customer, decode_cursor, staff
from contracts.api.billing.orders import ListServices, ListStaffServices, ServiceView
from services.billing.api.views import view_service
from services.billing.domain.services import ServiceStatus
from services.billing.store import services as store
from services.billing.store.services import ServiceFilter

routes = Routes(tag="services")


@routes.get("/services", policy=customer("services"))
async def list_services(call: Call, query: ListServices) -> Page[ServiceView]:
    """List the caller's services, newest first."""
    return await _list(call, query, scope=call.customer_id)


@routes.get("/services/{service_id}", policy=customer("services"))
async def show_service(call: Call, service_id: UUID) -> ServiceView:
    """Show one service."""
    return await _show(call, service_id)


@routes.get("/staff/services", policy=staff("services.read"))
async def list_staff_services(
    call: Call, query: ListStaffServices
) -> Page[ServiceView]:
    """List all customers' services, or one's, newest first."""
    return await _list(call, query, scope=query.customer_id)


@routes.get("/staff/services/{service_id}", policy=staff("services.read"))
async def show_staff_service(call: Call, service_id: UUID) -> ServiceView:
    """Show any customer's service."""
    return await _show(call, service_id)


async def _list(
    call: Call, query: ListServices, *, scope: UUID | None
) -> Page[ServiceView]:
    wanted = ServiceFilter(
        scope=scope, status=ServiceStatus(query.status) if query.status else None
    )
    before = decode_cursor(query.cursor, datetime, UUID)
    async with call.reading() as tx:
        found = await store.list_services(
            tx, wanted, before=before, limit=query.limit + 1
        )
        total = await store.count_services(tx, wanted) if query.count else None
    return Page[ServiceView].of(
        [view_service(service) for service in found],
        limit=query.limit,
        cursor=lambda service: (service.created_at, service.id),
        total=total,
    )


async def _show(call: Call, service_id: UUID) -> ServiceView:
    async with call.reading() as tx:
        service = await store.get_service(tx, call.principal.scope, service_id)
    return view_service(service)
