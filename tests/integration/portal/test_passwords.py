"""A password forgotten or changed: what is mailed, what is refused, and what ends."""

import asyncio
from http import HTTPStatus

import pytest

from tests.e2e.client import new_email
from tests.e2e.journey import PASSWORD, register
from tests.e2e.stack import Stack
from tests.integration.portal.browsing import Browser, Page
from tests.integration.portal.conftest import OpenBrowser, Seated

NEW = "another horse battery staple"


async def ask_for_link(browser: Browser, email: str) -> Page:
    page = await browser.get("/forgot-password")
    return await browser.submit(page, "/forgot-password", email=email)


async def reset_page(stack: Stack, browser: Browser, email: str) -> Page:
    """Open the link of the mail that a forgotten password gets."""
    answer = await ask_for_link(browser, email)
    assert answer.status == HTTPStatus.OK
    mail = await stack.mailbox.wait_for(email, "password")
    start = mail["Text"].index("/reset-password?token=")
    return await browser.get(mail["Text"][start:].split()[0])


async def test_the_mails_link_chooses_a_new_password_and_ends_all_sessions(
    stack: Stack, seated: Seated, visitor: Browser
) -> None:
    page = await reset_page(stack, visitor, seated.customer.email)
    answer = await visitor.submit(page, "/reset-password", password=NEW)
    assert (answer.status, answer.location) == (303, "/login")
    assert "Your password has been changed" in (await visitor.follow(answer)).said
    assert (await seated.browser.get("/security")).status == HTTPStatus.SEE_OTHER
    assert (await visitor.log_in(seated.customer.email, PASSWORD)).status != 303
    assert (await visitor.log_in(seated.customer.email, NEW)).location == "/"


async def test_a_weak_password_is_refused_and_the_link_stays_good(
    stack: Stack, visitor: Browser
) -> None:
    customer = await register(stack.api)
    page = await reset_page(stack, visitor, customer.email)
    for weak in ("", "short", "x" * 201):
        page = await visitor.submit(page, "/reset-password", password=weak)
        assert page.status == HTTPStatus.UNPROCESSABLE_ENTITY
        assert page.fault("password")
    assert (await visitor.submit(page, "/reset-password", password=NEW)).status == 303


async def test_a_link_serves_once_and_then_says_how_to_go_on(
    stack: Stack, visitor: Browser
) -> None:
    customer = await register(stack.api)
    page = await reset_page(stack, visitor, customer.email)
    await visitor.submit(page, "/reset-password", password=NEW)
    again = await visitor.submit(page, "/reset-password", password=PASSWORD)
    assert again.status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "The link is not valid" in again.said
    assert 'href="/forgot-password"' in again.text
    assert (await visitor.log_in(customer.email, NEW)).status == 303


async def test_nobody_learns_who_is_registered(stack: Stack, visitor: Browser) -> None:
    known = await register(stack.api)
    said = [
        (await ask_for_link(visitor, email)).said
        for email in (known.email, new_email())
    ]
    assert said[0] == said[1]
    assert "is on its way to it" in said[0]


@pytest.mark.parametrize("email", ["", "x", "<" * 300])
async def test_what_is_no_address_is_refused_beside_it(
    visitor: Browser, email: str
) -> None:
    page = await ask_for_link(visitor, email)
    assert page.status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert page.fault("email")
    assert page.form("/forgot-password")["email"] == email


async def test_the_link_tells_no_other_site_of_itself(visitor: Browser) -> None:
    page = await visitor.get("/reset-password?token=secret")
    assert page.headers["Referrer-Policy"] == "same-origin"
    assert page.form("/reset-password")["token"] == "secret"


async def test_changing_the_password_keeps_this_device_and_ends_the_others(
    seated: Seated, open_browser: OpenBrowser
) -> None:
    other = open_browser()
    await other.log_in(seated.customer.email, PASSWORD)
    assert (await other.get("/")).status == HTTPStatus.OK
    page = await seated.browser.get("/security")
    answer = await seated.browser.submit(
        page, "/security/password", current_password=PASSWORD, password=NEW
    )
    assert (answer.status, answer.location) == (303, "/security")
    shown = await seated.browser.follow(answer)
    assert "Other devices have to log in again" in shown.said
    assert (await other.get("/security")).status == HTTPStatus.SEE_OTHER


async def test_a_wrong_current_password_is_said_beside_it(seated: Seated) -> None:
    page = await seated.browser.get("/security")
    answer = await seated.browser.submit(
        page, "/security/password", current_password="my old one", password=NEW
    )
    assert answer.status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert answer.fault("current_password")
    assert "my old one" not in answer.text


async def test_a_change_sent_three_times_at_once_is_done_and_said_three_times(
    seated: Seated,
) -> None:
    page = await seated.browser.get("/security")
    typed = {"current_password": PASSWORD, "password": NEW}
    answers = await asyncio.gather(
        *(seated.browser.submit(page, "/security/password", **typed) for _ in range(3))
    )
    assert {(answer.status, answer.location) for answer in answers} == {
        (HTTPStatus.SEE_OTHER, "/security")
    }
    shown = await seated.browser.follow(answers[-1])
    assert "Your password has been changed" in shown.said


async def test_a_reload_after_the_change_changes_nothing(seated: Seated) -> None:
    page = await seated.browser.get("/security")
    typed = {"current_password": PASSWORD, "password": NEW}
    for _ in range(2):
        answer = await seated.browser.submit(page, "/security/password", **typed)
        assert (answer.status, answer.location) == (303, "/security")
    assert (await seated.browser.get("/security")).status == HTTPStatus.OK
