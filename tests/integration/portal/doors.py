"""Sessions at a gateway in front of services that answer as the test wants."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from chassis.http import Principal
from tests.integration.gateway.conftest import Services
from tests.integration.portal.browsing import Browser
from tests.support.running import Running
from tests.support.tokens import token_of

SESSION_TOKEN = "A" * 43
#: What cookies' names begin with where there is TLS.
HOST = "__Host-"
EXCHANGE = "/internal/browser-sessions/exchange"
OVERVIEW = "/internal/overview"
NOTHING: Mapping[str, object] = {"items": [], "next": None, "total": 0}


def me_of(principal: Principal, *, name: str = "Ana Souza") -> dict[str, object]:
    """Return what accounts says of the person."""
    is_staff = principal.is_staff
    return {
        "id": str(principal.user_id),
        "kind": principal.kind,
        "name": name,
        "email": "ana@example.com",
        "email_verified": True,
        "language": "en",
        "role": "support" if is_staff else None,
        "permissions": sorted(principal.permissions),
        "customer_id": None if is_staff else str(principal.customer_id),
        "currency": None if is_staff else "BRL",
    }


def open_session(
    services: Services, whose: Principal, *, name: str = "Ana Souza"
) -> None:
    """Let accounts know the session of this person."""
    me = me_of(whose, name=name)
    services.answer("/api/v1/me", me)
    services.answer(
        EXCHANGE,
        {
            "session_id": str(whose.session_id),
            "expires_at": (datetime.now(UTC) + timedelta(days=7)).isoformat(),
            "access_token": token_of(whose),
            "expires_in": 300,
            "me": me,
        },
    )


def refuse(services: Services, path: str, status: int, kind: str) -> None:
    """Let a service refuse a call."""
    problem: dict[str, object] = {
        "type": f"/api/docs/problems#{kind}",
        "title": kind,
        "status": status,
        "detail": kind,
        "template": kind,
        "values": {},
        "instance": path,
        "request_id": "1",
    }
    services.answer(path, problem, status=status)


def answer_dashboard(services: Services) -> None:
    """Let all services have nothing for the first page."""
    for noun in ("tickets", "news"):
        services.answer(f"/api/v1/{noun}", NOTHING)
    answer_overview(services)


def answer_overview(services: Services, /, **panels: None) -> None:
    """Let billing have nothing for the first page, or not even tell of it."""
    nothing_open: dict[str, object] = {"totals": [], "invoices": 0}
    overview: dict[str, object] = {
        "services": NOTHING,
        "domains": NOTHING,
        "open_invoices": nothing_open,
    }
    services.answer(OVERVIEW, {**overview, **panels})


async def browser_at(gateway: Running, **options: str) -> Browser:
    """Return a browser that reaches the gateway; it takes it for one with TLS."""
    async with gateway.client.get("/health/live") as answer:
        return Browser(str(answer.url.origin()), **options)
