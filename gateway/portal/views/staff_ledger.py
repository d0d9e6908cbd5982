"""The ledger's audit: every figure derived anew, and what each check found."""

from aiohttp import web

from chassis.client import UpstreamAway
from chassis.http.policies import staff
from contracts.api.billing.ledger import AuditView
from gateway.portal.claims import in_plain_words
from gateway.portal.pages import Pages
from gateway.portal.visit import Visit

pages = Pages()


@pages.get("/staff/ledger", policy=staff("ledger.audit"))
async def audit_ledger(visit: Visit) -> web.Response:
    """Show the audit if it was asked for: it takes a while, so the page comes first."""
    asked = "run" in visit.query
    audit = await _audit(visit) if asked else None
    return visit.render(
        "staff_ledger/audit.html",
        status=503 if asked and audit is None else 200,
        asked=asked,
        audit=audit,
        in_plain_words=in_plain_words,
    )


async def _audit(visit: Visit) -> AuditView | None:
    try:
        return await visit.api.get("/staff/ledger/audit", AuditView)
    except UpstreamAway:
        return None
