"""Sessions as the gateway keeps them: behind TLS, and when all else changes."""

from http import HTTPStatus
from uuid import UUID

from contracts.events import accounts
from tests.e2e.client import until
from tests.integration.gateway.announcing import Announcer
from tests.integration.gateway.conftest import Services
from tests.integration.gateway.test_stream_gaps import cut_listener
from tests.integration.portal.browsing import Browser
from tests.integration.portal.doors import (
    EXCHANGE,
    HOST,
    SESSION_TOKEN,
    answer_dashboard,
    open_session,
    refuse,
)
from tests.integration.portal.test_session import cookies_of
from tests.support.servers import Servers
from tests.support.tokens import a_customer, a_staff_member


def exchanges(services: Services) -> int:
    return len([call for call in services.calls if call.path == EXCHANGE])


async def test_behind_tls_every_cookie_belongs_to_this_host_alone(
    services: Services, behind_tls: Browser
) -> None:
    open_session(services, a_customer())
    services.answer(
        "/internal/browser-sessions",
        {"session_token": SESSION_TOKEN, "expires_in": 2592000},
    )
    page = await behind_tls.get("/login?next=/order")
    answer = await behind_tls.submit(
        page, "/login", email="ana@example.com", password="a password"
    )
    assert (answer.status, answer.location) == (303, "/order")
    cookies = {**cookies_of(page), **cookies_of(answer)}
    assert set(cookies) == {"__Host-visitor", "__Host-session"}
    for cookie in cookies.values():
        assert cookie["secure"]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
        assert cookie["path"] == "/"
        assert not cookie["domain"]
    assert cookies["__Host-session"].value == SESSION_TOKEN
    assert answer.headers["Strict-Transport-Security"]


async def test_behind_tls_no_other_name_is_the_session(
    services: Services, behind_tls: Browser
) -> None:
    open_session(services, a_customer())
    for prefix in ("clientarea-443-", "__Secure-", "x-"):
        behind_tls.plant("session", SESSION_TOKEN, prefix=prefix)
    assert (await behind_tls.get("/security")).status == HTTPStatus.SEE_OTHER
    assert exchanges(services) == 0


async def test_a_changed_staff_member_is_asked_for_anew(
    services: Services, behind_tls: Browser, announcer: Announcer
) -> None:
    support = a_staff_member("tickets.read")
    open_session(services, support, name="Marta Before")
    services.answer("/api/v1/sessions", {"items": [], "next": None})
    behind_tls.plant("session", SESSION_TOKEN, prefix=HOST)
    assert "Marta Before" in (await behind_tls.get("/security")).said
    open_session(services, support, name="Marta After")
    assert "Marta Before" in (await behind_tls.get("/security")).said
    await announcer.announce(_changed(support.user_id))

    async def is_seen() -> bool:
        return "Marta After" in (await behind_tls.get("/security")).said

    await until(is_seen, what="the changed name is shown")


def _changed(user_id: UUID) -> accounts.StaffMemberUpdated:
    return accounts.StaffMemberUpdated(
        user_id=user_id,
        version=2,
        name="Marta After",
        email="marta@example.com",
        role="support",
        language="en",
        active=True,
    )


async def test_after_a_gap_in_hearing_everybody_is_asked_for_anew(
    services: Services,
    behind_tls: Browser,
    announcer: Announcer,
    servers: Servers,
    amqp_url: str,
) -> None:
    del announcer  # with it the gateway hears what happens
    open_session(services, a_customer())
    answer_dashboard(services)
    behind_tls.plant("session", SESSION_TOKEN, prefix=HOST)
    for _ in range(2):
        assert (await behind_tls.get("/")).status == HTTPStatus.OK
    assert exchanges(services) == 1
    # Its end is told while nobody hears.
    refuse(services, EXCHANGE, HTTPStatus.UNAUTHORIZED, "SessionNotValid")
    await cut_listener(servers, amqp_url.rpartition("/")[2])

    async def is_over() -> bool:
        return (await behind_tls.get("/")).status == HTTPStatus.SEE_OTHER

    await until(is_over, what="the session is asked about again")
