"""The first page: its counts are those of the lists, and it loses a panel at most."""

import asyncio
import re
from http import HTTPStatus

import pytest
from aiohttp import web

from tests.e2e.journey import order
from tests.integration.gateway.conftest import Services, lose_patience
from tests.integration.portal.browsing import Browser, Page
from tests.integration.portal.conftest import NewCustomer
from tests.integration.portal.doors import (
    EXCHANGE,
    HOST,
    OVERVIEW,
    SESSION_TOKEN,
    answer_dashboard,
    answer_overview,
    open_session,
)
from tests.support.tokens import a_customer, a_staff_member

COUNT = re.compile(
    r'<a class="card[^"]*count-card[^"]*" href="([^"]+)">.*?<span class="h2[^"]*">'
    r"([^<]*)</span>",
    re.DOTALL,
)
TITLE = re.compile(r'id="([a-z-]+-title)"')
LINK = re.compile(r'(?:href|action)="(/[^"]*)"')
#: What each permission opens.
OPENED = {
    "account": ("/profile",),
    "services": ("/services", "/order", "/domains"),
    "billing": ("/invoices", "/add-funds", "/credit"),
    "tickets": ("/tickets", "/tickets/new"),
}


def counts(page: Page) -> dict[str, str]:
    """Return what is counted, by the list that it leads to."""
    return dict(COUNT.findall(page.text))


def links(page: Page) -> set[str]:
    return {link.partition("?")[0] for link in LINK.findall(page.text)}


def missing(page: Page) -> set[str]:
    """Return the panels that say that they can't be had, by their titles' ids."""
    _, *cards = TITLE.split(page.text)
    titled = zip(cards[::2], cards[1::2], strict=True)
    return {title for title, card in titled if "Not available right now" in card}


@pytest.fixture
def home(services: Services, behind_tls: Browser) -> Browser:
    """A browser of somebody who is logged in, and has nothing yet."""
    open_session(services, a_customer())
    answer_dashboard(services)
    behind_tls.plant("session", SESSION_TOKEN, prefix=HOST)
    return behind_tls


async def test_each_count_is_that_of_the_list_behind_it(
    new_customer: NewCustomer,
) -> None:
    seated = await new_customer()
    for _ in range(7):
        await order(seated.customer)
    body = {"department": "support", "priority": "low", "message": "Why?"}
    for number in range(6):
        await seated.customer.api.post(
            "/tickets", {**body, "subject": f"Question {number}"}
        )
    api = seated.customer.api
    totals = {
        path: (await api.get(f"{path}?count=true{query}"))["total"]
        for path, query in {
            "/services": "",
            "/domains": "",
            "/invoices": "&status=open",
            "/tickets": "&closed=false",
        }.items()
    }
    page = await seated.browser.get("/")
    assert counts(page) == {path: str(total) for path, total in totals.items()}
    assert counts(page)["/services"] == "7"
    owed = (await api.get("/invoices/outstanding"))["totals"][0]["amount"]
    assert f"R${owed}" in page.said


@pytest.mark.parametrize(
    ("path", "panel"),
    [
        ("/api/v1/tickets", "tickets-title"),
        ("/api/v1/news", "news-title"),
    ],
)
async def test_a_service_that_fails_costs_its_own_panel(
    services: Services, home: Browser, path: str, panel: str
) -> None:
    services.answer(path, {}, status=HTTPStatus.INTERNAL_SERVER_ERROR)
    page = await home.get("/")
    assert page.status == HTTPStatus.OK
    assert missing(page) == {panel}


async def test_billing_that_fails_costs_all_its_panels(
    services: Services, home: Browser
) -> None:
    services.answer(OVERVIEW, {}, status=HTTPStatus.INTERNAL_SERVER_ERROR)
    page = await home.get("/")
    assert page.status == HTTPStatus.OK
    assert missing(page) == {"services-title", "domains-title"}
    assert counts(page) == {
        "/services": "\u2013",
        "/domains": "\u2013",
        "/invoices": "\u2013",
        "/tickets": "0",
    }


@pytest.mark.parametrize("panel", ["services", "domains"])
async def test_what_billing_does_not_tell_costs_its_own_panel(
    services: Services, home: Browser, panel: str
) -> None:
    answer_overview(services, **{panel: None})
    assert missing(await home.get("/")) == {f"{panel}-title"}


async def test_invoices_that_are_away_cost_their_count(
    services: Services, home: Browser
) -> None:
    answer_overview(services, open_invoices=None)
    page = await home.get("/")
    assert counts(page) == {
        "/services": "0",
        "/domains": "0",
        "/invoices": "\u2013",
        "/tickets": "0",
    }


async def test_a_service_that_hangs_costs_its_panels_and_little_time(
    services: Services, home: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = asyncio.Event()

    async def hang(request: web.Request) -> web.Response:
        del request
        await released.wait()
        return web.json_response({})

    services.answers[OVERVIEW] = hang
    lose_patience(monkeypatch, with_path=OVERVIEW)
    page = await home.get("/")
    released.set()
    assert page.status == HTTPStatus.OK
    assert missing(page) == {"services-title", "domains-title"}


async def test_all_services_away_leave_the_page_of_a_kept_session(
    services: Services, home: Browser
) -> None:
    assert (await home.get("/")).status == HTTPStatus.OK
    await services.server.close()
    page = await home.get("/")
    assert page.status == HTTPStatus.OK
    assert page.heading == "Hello, Ana Souza"
    assert "ana@example.com" in page.said
    assert page.text.count("Not available right now") == 4


async def test_accounts_away_before_the_session_is_known_is_a_page_to_try_again(
    services: Services, home: Browser
) -> None:
    services.answer(EXCHANGE, {}, status=HTTPStatus.INTERNAL_SERVER_ERROR)
    page = await home.get("/?a=b")
    assert page.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert page.headers["Retry-After"]
    assert page.heading == "This isn't available right now"
    assert 'href="/?a=b"' in page.text
    assert home.cookie("session") == SESSION_TOKEN


@pytest.mark.parametrize(
    "permissions",
    [("account",), ("services",), ("billing",), ("tickets",), ("billing", "account")],
)
async def test_nothing_leads_where_somebody_may_not_go(
    services: Services, home: Browser, permissions: tuple[str, ...]
) -> None:
    open_session(services, a_customer(*permissions))
    page = await home.get("/")
    assert page.status == HTTPStatus.OK
    open_to_them = {path for each in permissions for path in OPENED[each]}
    closed = {path for paths in OPENED.values() for path in paths} - open_to_them
    assert links(page) & closed == set()
    assert open_to_them <= links(page)


@pytest.mark.parametrize(
    ("permission", "place"),
    [
        ("tickets.read", "/staff/tickets"),
        ("payments.read", "/staff/payments"),
        ("ledger.audit", "/staff/ledger"),
    ],
)
async def test_staff_begin_with_what_they_may_do(
    services: Services, behind_tls: Browser, permission: str, place: str
) -> None:
    open_session(services, a_staff_member(permission))
    behind_tls.plant("session", SESSION_TOKEN, prefix=HOST)
    assert (await behind_tls.get("/")).location == place


async def test_staff_who_may_nothing_have_a_page_all_the_same(
    services: Services, behind_tls: Browser
) -> None:
    open_session(services, a_staff_member())
    services.answer("/api/v1/sessions", {"items": [], "next": None})
    behind_tls.plant("session", SESSION_TOKEN, prefix=HOST)
    assert (await behind_tls.open("/")).status == HTTPStatus.OK
