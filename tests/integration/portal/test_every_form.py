"""What holds for every page that does something, whoever wrote it."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from http import HTTPStatus

import pytest

from chassis.http import Principal
from gateway.app import PROCESS
from gateway.portal.app import PAGES
from gateway.portal.carrying import carried
from gateway.portal.pages import PageRoute
from tests.integration.gateway.conftest import SERVICES, Services
from tests.integration.portal.browsing import Browser, Page
from tests.integration.portal.doors import EXCHANGE, HOST, browser_at, open_session
from tests.support.running import running
from tests.support.tokens import a_customer, a_staff_member

ID = "01890000-0000-7000-8000-000000000000"
ROUTES = [route for group in PAGES for route in group]
FORMS = [route for route in ROUTES if route.method == "POST"]
CLOSED_FORMS = [route for route in FORMS if not route.policy.public]
TYPED = {"message": "typed", "_key": ID, "_user": "visitor"}
FOREIGN = {"Origin": "https://evil.example"}


@pytest.fixture
async def browser(services: Services, amqp_url: str) -> AsyncGenerator[Browser]:
    """A browser at a gateway that lets it ask as much as there are pages."""
    urls = {f"{name}_url": services.url for name in SERVICES}
    public_url = "https://client.example.com"
    async with running(
        PROCESS, amqp_url=amqp_url, public_url=public_url, **urls
    ) as gateway:
        browser = await browser_at(gateway)
        yield browser
        await browser.http.close()


def address_of(route: PageRoute) -> str:
    """Return the page's address, with an id or a word where it takes one."""
    return "/".join(_part(part) for part in route.path.split("/"))


def _part(part: str) -> str:
    if not part.startswith("{"):
        return part
    return ID if part.endswith("_id}") else "word"


def somebody_for(route: PageRoute) -> Principal:
    """Return somebody who may do it."""
    grant = next(iter(route.policy.grants), None)
    if grant is None or grant.kind == "customer":
        return a_customer()
    return a_staff_member(*grant.permissions)


def somebody_without_right(route: PageRoute) -> Principal | None:
    """Return somebody who may not do it; None where whoever is logged in may."""
    if not all(grant.permissions for grant in route.policy.grants):
        return None
    is_for_staff = any(grant.kind == "staff" for grant in route.policy.grants)
    return a_customer("none") if is_for_staff else a_staff_member("none")


async def send(
    services: Services,
    browser: Browser,
    route: PageRoute,
    who: Principal | None,
    headers: Mapping[str, str] | None = None,
) -> tuple[Page, Sequence[str]]:
    """Send a form without its token, as this person; tell what services were asked."""
    services.calls.clear()
    browser.jar.clear()
    if who is not None:
        open_session(services, who)
        browser.plant("session", who.session_id.hex.rjust(43, "0"), prefix=HOST)
    page = await browser.ask("POST", address_of(route), data=TYPED, headers=headers)
    return page, [call.path for call in services.calls]


async def test_a_form_without_proof_does_nothing(
    services: Services, browser: Browser
) -> None:
    for route in FORMS:
        page, asked = await send(services, browser, route, somebody_for(route))
        assert page.status in (HTTPStatus.CONFLICT, HTTPStatus.SEE_OTHER), route.path
        assert asked == [EXCHANGE], route.path
        assert browser.cookie("session"), route.path


async def test_a_form_from_another_site_does_nothing(
    services: Services, browser: Browser
) -> None:
    for route in FORMS:
        who = somebody_for(route)
        page, asked = await send(services, browser, route, who, FOREIGN)
        assert page.status == HTTPStatus.FORBIDDEN, route.path
        assert asked == [EXCHANGE], route.path


async def test_a_form_of_nobody_asks_for_the_log_in_and_keeps_what_was_typed(
    services: Services, browser: Browser
) -> None:
    for route in CLOSED_FORMS:
        page, asked = await send(services, browser, route, None)
        assert page.status == HTTPStatus.UNAUTHORIZED, route.path
        form = page.form("/login")
        assert "what you typed is kept" in page.said, route.path
        kept = carried(form["carried"], str(browser.cookie("visitor")))
        assert kept is not None, route.path
        assert kept["message"] == "typed", route.path
        assert form["next"] == address_of(route)
        assert asked == [], route.path


async def test_a_form_of_somebody_without_the_right_is_refused(
    services: Services, browser: Browser
) -> None:
    for route in CLOSED_FORMS:
        who = somebody_without_right(route)
        if who is not None:
            page, asked = await send(services, browser, route, who)
            assert page.status == HTTPStatus.FORBIDDEN, route.path
            assert asked == [EXCHANGE], route.path


def test_an_address_is_declared_once() -> None:
    declared = [(route.method, route.path) for route in ROUTES]
    assert len(declared) == len(set(declared))
