"""Services that are away while somebody sends a form: nothing typed is lost."""

import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from http import HTTPStatus

import pytest
from aiohttp import web

from tests.e2e.journey import PASSWORD
from tests.integration.gateway.conftest import Handler, Services, without_broker
from tests.integration.portal.browsing import Browser, Page
from tests.integration.portal.doors import (
    EXCHANGE,
    HOST,
    NOTHING,
    SESSION_TOKEN,
    answer_dashboard,
    browser_at,
    me_of,
    open_session,
    refuse,
)
from tests.support.running import Running
from tests.support.tokens import a_customer

LOG_IN = "/internal/browser-sessions"
BEGUN: dict[str, object] = {"session_token": "C" * 43, "expires_in": 3600}
MARKS = ("shown", "expected.amount", "expected.currency")
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


async def test_a_form_that_a_service_knows_no_session_for_is_kept_by_one_log_in(
    services: Services, browser: Browser
) -> None:
    after = known_again(services)
    log_in = await refused_while_typing(services, browser)
    answer_log_in(services, BEGUN, after)
    given_back = await log_in_at(browser, log_in, PASSWORD)
    assert given_back.heading == "Please send this once more"
    assert "Typed Ltd" in given_back.said


async def test_another_gateway_that_still_holds_the_session_loses_nothing(
    services: Services, browser: Browser
) -> None:
    """The form is refused at one gateway, and its log-in is answered by another."""
    after = known_again(services)
    async with without_broker(services) as other, seated_at(other) as there:
        assert (await there.get("/profile")).status == HTTPStatus.OK
        log_in = await refused_while_typing(services, browser)
        refuse(services, LOG_IN, HTTPStatus.UNAUTHORIZED, "WrongLogin")
        [visitor] = [each for each in browser.jar if each.key == f"{HOST}visitor"]
        there.plant("visitor", visitor.value, prefix=HOST)
        again = await log_in_at(there, log_in, "mistyped")
        assert "password is wrong" in again.said
        answer_log_in(services, BEGUN, after)
        given_back = await log_in_at(there, again, PASSWORD)
        assert given_back.heading == "Please send this once more"
        assert "Typed Ltd" in given_back.said
        sent = await there.submit(given_back, "/profile")
        assert (sent.status, sent.location) == (303, "/profile")
        assert b"Typed Ltd" in services.bodies[-1]


@asynccontextmanager
async def seated_at(gateway: Running) -> AsyncGenerator[Browser]:
    """Reach another gateway with the same session."""
    there = await browser_at(gateway)
    there.plant("session", SESSION_TOKEN, prefix=HOST)
    yield there
    await there.http.close()


def known_again(services: Services) -> dict[str, Handler]:
    """Return what the services answer while they know the session."""
    return {path: services.answers[path] for path in (EXCHANGE, "/api/v1/me")}


async def refused_while_typing(services: Services, browser: Browser) -> Page:
    """Send a form whose session a service knows no more; return the log-in's page."""
    page = await browser.get("/profile")
    refuse(services, "/api/v1/me", HTTPStatus.UNAUTHORIZED, "TokenNotValid")
    refuse(services, EXCHANGE, HTTPStatus.UNAUTHORIZED, "SessionNotValid")
    log_in = await browser.submit(page, "/profile", company="Typed Ltd")
    assert log_in.status == HTTPStatus.UNAUTHORIZED
    assert "what you typed is kept" in log_in.said
    return log_in


async def log_in_at(browser: Browser, page: Page, password: str) -> Page:
    return await browser.submit(
        page, "/login", email="ana@example.com", password=password
    )


def answer_log_in(
    services: Services, begun: dict[str, object], after: dict[str, Handler]
) -> None:
    """Let accounts begin a session, and know it from then on."""

    async def begin(request: web.Request) -> web.Response:
        del request
        services.answers.update(after)
        return web.json_response(begun)

    services.answers[LOG_IN] = begin


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


async def test_an_order_whose_answer_was_lost_is_sent_again_as_it_was(
    services: Services, browser: Browser
) -> None:
    offer_for(services, "10.00", credit="5.00")
    page = await browser.get("/order/vps-2?items.0.quantity=2&use_credit=on")
    services.answer("/api/v1/orders", {}, status=HTTPStatus.SERVICE_UNAVAILABLE)
    lost = await browser.submit(page, "/order/vps-2")
    assert lost.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert "Nothing you typed is lost" in lost.said
    # What was ordered has used the credit up, and has another price by now.
    offer_for(services, "12.00")
    again = await browser.submit(lost, "/order/vps-2")
    again = await browser.submit(again, "/order/vps-2")
    first, *repeats = orders_sent(services)
    assert b'"amount":"10.00"' in first[1].replace(b" ", b"")
    assert b'"use_credit":true' in first[1].replace(b" ", b"")
    assert len(repeats) >= 2
    assert set(repeats) == {first}
    assert again.form("/order/vps-2").fields == lost.form("/order/vps-2").fields


async def test_what_is_chosen_after_a_lost_answer_goes_by_its_own_total(
    services: Services, browser: Browser
) -> None:
    offer_for(services, "10.00")
    page = await browser.get("/order/vps-2")
    services.answer("/api/v1/orders", {}, status=HTTPStatus.SERVICE_UNAVAILABLE)
    lost = await browser.submit(page, "/order/vps-2")
    offer_for(services, "30.00")
    part = {"HX-Request": "true"}
    anew = await browser.get("/order/vps-2?items.0.quantity=3", **part)
    was, now = (summary_fields(each) for each in (lost, anew))
    assert was["shown"] == ["1 monthly"]
    assert was["expected.amount"] == ["10.00"]
    assert now["shown"] == ["3 monthly"]
    assert now["expected.amount"] == ["30.00"]
    # Each stands in the part that is replaced, and nowhere else.
    for each, fields in ((lost, was), (anew, now)):
        form = each.form("/order/vps-2")
        assert {name: form.fields[name] for name in fields} == fields


def offer_for(services: Services, total: str, *, credit: str = "") -> None:
    """Let billing offer one plan at this total, and have this credit."""
    price = {"amount": total, "currency": "BRL"}
    nothing = {"amount": "0.00", "currency": "BRL"}
    prices = [{"period": "monthly", "amount": price, "setup_fee": nothing}]
    services.answer("/api/v1/products/vps-2", {**PRODUCT, "prices": prices})
    balances = [{"amount": credit, "currency": "BRL"}] if credit else []
    services.answer("/api/v1/credit", {"balances": balances, "limits": []})
    sums = {"subtotal": price, "tax": nothing, "total": price}
    paid = {"credit_available": nothing, "credit_used": nothing, "remaining": price}
    services.answer("/api/v1/orders/preview", {"lines": [], **sums, **paid})


def orders_sent(services: Services) -> list[tuple[str, bytes]]:
    """Return key and body of each order that billing was sent."""
    sent = zip(services.calls, services.bodies, strict=True)
    return [
        (call.headers["Idempotency-Key"], body)
        for call, body in sent
        if call.path == "/api/v1/orders"
    ]


def summary_fields(page: Page) -> dict[str, list[str]]:
    """Return the hidden fields of the part that a changed choice replaces."""
    part = page.text.partition('id="summary"')[2]
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', part)
    return {name: [value] for name, value in found if name in MARKS}


async def test_a_place_in_a_list_that_is_none_leads_to_its_start(
    services: Services, browser: Browser
) -> None:
    refuse(services, "/api/v1/payments", HTTPStatus.BAD_REQUEST, "BadCursor")
    page = await browser.get("/payments?cursor=nonsense&x=1")
    assert page.status == HTTPStatus.BAD_REQUEST
    assert 'href="/payments?x=1"' in page.text
    assert "Show the list from its start" in page.said
