"""Services that are away while somebody sends a form: nothing typed is lost."""

from http import HTTPStatus

import pytest
from aiohttp import web

from tests.integration.gateway.conftest import Services
from tests.integration.portal.browsing import Browser
from tests.integration.portal.doors import (
    EXCHANGE,
    HOST,
    NOTHING,
    SESSION_TOKEN,
    answer_dashboard,
    me_of,
    open_session,
    refuse,
)
from tests.support.tokens import a_customer

PRODUCT: dict[str, object] = {
    "slug": "vps-2",
    "name": "VPS 2",
    "description": "Small.",
    "group": "Servers",
    "prices": [],
}


@pytest.fixture
def browser(services: Services, behind_tls: Browser) -> Browser:
    """A browser of somebody who is logged in."""
    ana = a_customer()
    open_session(services, ana)
    answer_dashboard(services)
    details = {"country": "BR", "time_zone": "America/Sao_Paulo"}
    services.answer("/api/v1/me", {**me_of(ana), **details})
    behind_tls.plant("session", SESSION_TOKEN, prefix=HOST)
    return behind_tls


async def test_a_form_that_finds_accounts_away_is_given_back_and_sent_later(
    services: Services, browser: Browser
) -> None:
    page = await browser.get("/profile")
    key = page.form("/profile")["_key"]
    known, saved = services.answers[EXCHANGE], services.answers["/api/v1/me"]
    services.answer(EXCHANGE, {}, status=HTTPStatus.INTERNAL_SERVER_ERROR)
    # Another session of the browser's, which the gateway doesn't know yet.
    browser.plant("session", "B" * 43, prefix=HOST)
    answer = await browser.submit(page, "/profile", company="Typed Ltd")
    assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert answer.headers["Retry-After"]
    assert "Nothing you typed is lost" in answer.said
    assert "Typed Ltd" in answer.said
    assert answer.form("/profile")["_key"] == key
    services.answers[EXCHANGE], services.answers["/api/v1/me"] = known, saved
    browser.plant("session", SESSION_TOKEN, prefix=HOST)
    sent = await browser.submit(answer, "/profile")
    assert (sent.status, sent.location) == (303, "/profile")
    assert b"Typed Ltd" in services.bodies[-1]


async def test_a_page_whose_service_breaks_down_half_way_loses_nothing(
    services: Services, browser: Browser
) -> None:
    page = await browser.get("/profile")

    async def refuse_then_break(request: web.Request) -> web.Response:
        del request
        services.answer("/api/v1/me", {}, status=HTTPStatus.BAD_GATEWAY)
        return web.json_response({}, status=HTTPStatus.BAD_GATEWAY)

    services.answers["/api/v1/me"] = refuse_then_break
    answer = await browser.submit(page, "/profile", company="Typed Ltd")
    assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert answer.form("/profile")["company"] == "Typed Ltd"


async def test_what_nobody_foresaw_gives_the_form_back_and_says_how_to_ask(
    services: Services, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = await browser.get("/profile")
    monkeypatch.setattr("gateway.portal.views.people._changes", _fail)
    answer = await browser.submit(page, "/profile", company="Typed Ltd")
    assert answer.status == HTTPStatus.INTERNAL_SERVER_ERROR
    assert "Typed Ltd" in answer.said
    assert "on purpose" not in answer.text
    assert services.calls


def _fail(*_arguments: object) -> dict[str, object]:
    raise ZeroDivisionError("on purpose")


async def test_registering_needs_no_catalogue(
    services: Services, behind_tls: Browser
) -> None:
    services.answer("/api/v1/products", {}, status=HTTPStatus.BAD_GATEWAY)
    page = await behind_tls.get("/register")
    assert page.status == HTTPStatus.OK
    assert page.form("/register")["currency"] == "USD"


async def test_logging_out_while_accounts_is_away_forgets_the_cookie_here(
    services: Services, browser: Browser
) -> None:
    page = await browser.get("/")
    services.answer("/api/v1/sessions/current", {}, status=HTTPStatus.BAD_GATEWAY)
    answer = await browser.submit(page, "/logout")
    assert (answer.status, answer.location) == (303, "/login")
    assert browser.cookie("session") is None
    shown = await browser.follow(answer)
    assert "You are logged out in this browser." in shown.said


async def test_a_service_that_knows_no_session_any_more_asks_for_the_log_in(
    services: Services, browser: Browser
) -> None:
    services.answer("/api/v1/emails", NOTHING)
    assert (await browser.get("/emails")).status == HTTPStatus.OK
    refuse(services, "/api/v1/emails", HTTPStatus.UNAUTHORIZED, "TokenNotValid")
    refuse(services, EXCHANGE, HTTPStatus.UNAUTHORIZED, "SessionNotValid")
    answer = await browser.get("/emails")
    assert (answer.status, answer.location) == (303, "/login?next=%2Femails")
    assert (await browser.follow(answer)).heading == "Log in to your Client Area"


async def test_a_dashboard_that_is_refused_ends_at_the_log_in(
    services: Services, browser: Browser
) -> None:
    assert (await browser.get("/")).status == HTTPStatus.OK
    refuse(services, "/api/v1/tickets", HTTPStatus.UNAUTHORIZED, "TokenNotValid")
    refuse(services, EXCHANGE, HTTPStatus.UNAUTHORIZED, "SessionNotValid")
    page = await browser.follow(await browser.get("/"))
    assert page.heading == "Log in to your Client Area"


async def test_what_is_not_sold_in_ones_currency_says_so(
    services: Services, browser: Browser
) -> None:
    services.answer("/api/v1/products/vps-2", PRODUCT)
    services.answer("/api/v1/credit", {"balances": [], "limits": []})
    page = await browser.get("/order/vps-2")
    assert page.status == HTTPStatus.OK
    assert "isn't sold in your currency" in page.said
    services.answer("/api/v1/products", {"items": [PRODUCT], "next": None})
    assert 'href="/order/vps-2"' not in (await browser.get("/order")).text


async def test_a_sum_that_cannot_be_had_says_nothing_of_what_was_never_typed(
    services: Services, browser: Browser
) -> None:
    price = {"amount": "10.00", "currency": "BRL"}
    prices = [{"period": "monthly", "amount": price, "setup_fee": price}]
    services.answer("/api/v1/products/vps-2", {**PRODUCT, "prices": prices})
    services.answer("/api/v1/credit", {"balances": [], "limits": []})
    services.answer("/api/v1/orders/preview", {}, status=HTTPStatus.BAD_GATEWAY)
    page = await browser.get("/order/vps-2")
    assert page.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert "We couldn't work this out right now." in page.said
    assert "you typed" not in page.said
    services.answer("/api/v1/orders", {}, status=HTTPStatus.BAD_GATEWAY)
    sent = await browser.submit(page, "/order/vps-2")
    assert "Nothing you typed is lost" in sent.said


async def test_a_place_in_a_list_that_is_none_leads_to_its_start(
    services: Services, browser: Browser
) -> None:
    refuse(services, "/api/v1/payments", HTTPStatus.BAD_REQUEST, "BadCursor")
    page = await browser.get("/payments?cursor=nonsense&x=1")
    assert page.status == HTTPStatus.BAD_REQUEST
    assert 'href="/payments?x=1"' in page.text
    assert "Show the list from its start" in page.said
