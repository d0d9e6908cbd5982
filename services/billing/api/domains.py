"""The routes of domain names."""

from datetime import datetime
from uuid import UUID

from chassis.http import Call, Page, Routes, customer, decode_cursor
from contracts.api.billing.domains import DomainView, ListDomains
from services.billing.domain.domain_names import Domain, DomainStatus
from services.billing.store import domain_names as store

#: Who may ask for it, here and among the panels of the first page.
SEES_DOMAINS = customer("services")

routes = Routes(tag="domains")


@routes.get("/domains", policy=SEES_DOMAINS)
async def list_domains(call: Call, query: ListDomains) -> Page[DomainView]:
    """List the caller's domain names, newest first."""
    scope = call.principal.scope
    status = DomainStatus(query.status) if query.status else None
    before = decode_cursor(query.cursor, datetime, UUID)
    async with call.reading() as tx:
        domains = await store.list_domains(
            tx, scope, status, before=before, limit=query.limit + 1
        )
        total = await query.total(
            domains, lambda: store.count_domains(tx, scope, status)
        )
    return Page[DomainView].of(
        [_view(domain) for domain in domains],
        limit=query.limit,
        cursor=lambda view: (view.created_at, view.id),
        total=total,
    )


def _view(domain: Domain) -> DomainView:
    return DomainView(
        id=domain.id,
        name=domain.name,
        status=domain.status.value,
        expires_on=domain.expires_on,
        auto_renew=domain.auto_renew,
        created_at=domain.created_at,
    )
