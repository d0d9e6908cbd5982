"""A session that ended meanwhile: the log-in leads back, and what was typed is kept."""

import json
from http import HTTPStatus

import pytest

from tests.e2e.client import until
from tests.e2e.journey import PASSWORD
from tests.integration.portal.browsing import Browser, Page
from tests.integration.portal.conftest import OpenBrowser, Seated

MESSAGE = 'Line one\n<script>alert("1")</script>\n\u202eright to left'


async def end_session(seated: Seated) -> None:
    """End the browser's session from elsewhere, as it ends with time."""
    sessions = (await seated.customer.api.get("/sessions"))["items"]
    [here] = [each for each in sessions if each["kind"] == "browser"]
    await seated.customer.api.call("DELETE", f"/sessions/{here['id']}")


async def log_in_again(seated: Seated, page: Page) -> Page:
    return await seated.browser.submit(
        page, "/login", email=seated.customer.email, password=PASSWORD
    )


async def until_over(seated: Seated) -> None:
    await end_session(seated)

    async def is_over() -> bool:
        return (await seated.browser.get("/")).status == HTTPStatus.SEE_OTHER

    await until(is_over, what="the session is over in the browser")


async def ask_after_the_end(seated: Seated) -> Page:
    """Send a ticket whose form was opened while the session lived."""
    page = await seated.browser.get("/tickets/new")
    await until_over(seated)
    return await seated.browser.submit(
        page,
        "/tickets/new",
        department="support",
        subject="My site",
        message=MESSAGE,
        priority="high",
    )


async def tickets_of(seated: Seated) -> list[dict[str, str]]:
    api = await seated.customer.api.log_in(seated.customer.email, PASSWORD)
    return (await api.get("/tickets"))["items"]


async def test_a_page_is_reached_after_the_log_in(seated: Seated) -> None:
    await until_over(seated)
    wanted = "/order/vps-2?items.0.quantity=2"
    answer = await seated.browser.get(wanted)
    assert answer.status == HTTPStatus.SEE_OTHER
    login = await seated.browser.follow(answer)
    assert "Please log in to continue" in login.said
    assert (await log_in_again(seated, login)).location == wanted


async def test_the_way_to_a_page_goes_through_the_registration_too(
    visitor: Browser,
) -> None:
    login = await visitor.open("/order/vps-2")
    assert 'href="/register?next=%2Forder%2Fvps-2"' in login.text
    page = await visitor.get("/register?next=/order/vps-2")
    assert page.form("/register")["next"] == "/order/vps-2"


async def test_what_was_typed_is_shown_after_the_log_in_and_sent_once(
    seated: Seated,
) -> None:
    login = await ask_after_the_end(seated)
    assert login.status == HTTPStatus.UNAUTHORIZED
    assert "what you typed is kept" in login.said
    given_back = await log_in_again(seated, login)
    assert given_back.status == HTTPStatus.CONFLICT
    assert given_back.heading == "Please send this once more"
    for shown in ("My site", "Line one", 'alert("1")', "High"):
        assert shown in given_back.said
    assert "<script>alert" not in given_back.text
    assert 'type="file"' in given_back.text
    assert await tickets_of(seated) == []
    sent = [await seated.browser.submit(given_back, "/tickets/new") for _ in range(2)]
    assert [each.status for each in sent] == [HTTPStatus.SEE_OTHER] * 2
    [ticket] = await tickets_of(seated)
    assert (ticket["subject"], ticket["priority"]) == ("My site", "high")
    shown = await seated.browser.get(sent[0].location)
    assert "Line one" in shown.said


async def test_a_wrong_password_meanwhile_loses_nothing(seated: Seated) -> None:
    login = await ask_after_the_end(seated)
    again = await seated.browser.submit(
        login, "/login", email=seated.customer.email, password="wrong"
    )
    given_back = await log_in_again(seated, again)
    assert "My site" in given_back.said


async def test_a_button_leads_back_to_its_page(seated: Seated) -> None:
    page = await seated.browser.get("/security")
    sessions = (await seated.customer.api.get("/sessions"))["items"]
    [app] = [each for each in sessions if each["kind"] == "app"]
    await until_over(seated)
    login = await seated.browser.submit(page, f"/security/sessions/{app['id']}/end")
    assert "nothing has been done" in login.said
    assert (await log_in_again(seated, login)).location == "/security"


async def test_passwords_are_not_carried_along(seated: Seated) -> None:
    page = await seated.browser.get("/profile")
    await until_over(seated)
    login = await seated.browser.submit(
        page, "/profile/email", email="new@example.com", current_password="my secret"
    )
    assert "my secret" not in login.text
    assert "new@example.com" in login.form("/login")["carried"]


@pytest.mark.parametrize(
    "carried",
    [
        "no JSON",
        "[]",
        "null",
        "{}",
        '{"subject": "a"}',
        '{"subject": [1]}',
        '{"subject": [["a"]]}',
        '{"subject": {"a": ["b"]}}',
        "[" * 100_000,
        '{"subject": ' + "[" * 5_000,
        '{"subject": ["' + "a" * 300_000 + '"]}',
        '{"subject": ["\\u0000"]}',
        '{"subject": ["\\ud800"]}',
        json.dumps({f"f{i}": ["x"] for i in range(1000)} | {"subject": ["a"]}),
        '{"subject": [NaN]}',
    ],
    ids=range(15),
)
async def test_whatever_is_carried_a_log_in_is_a_log_in(
    seated: Seated, open_browser: OpenBrowser, carried: str
) -> None:
    browser = open_browser()
    page = await browser.get("/login?next=/services")
    answer = await browser.submit(
        page,
        "/login",
        email=seated.customer.email,
        password=PASSWORD,
        carried=carried,
    )
    assert (answer.status, answer.location) == (303, "/services")
    assert (await browser.get("/")).status == HTTPStatus.OK


async def test_what_is_carried_is_shown_as_text_and_brings_no_secret_along(
    seated: Seated, open_browser: OpenBrowser
) -> None:
    browser = open_browser()
    hostile = {
        "subject": ['"><script>alert(1)</script>'],
        '"><img src=x onerror=alert(1)>': ["x"],
        "password": ["planted"],
        "_csrf": ["planted"],
    }
    page = await browser.get("/login?next=/tickets/new")
    answer = await browser.submit(
        page,
        "/login",
        email=seated.customer.email,
        password=PASSWORD,
        carried=json.dumps(hostile),
    )
    assert answer.status == HTTPStatus.CONFLICT
    assert "planted" not in answer.text
    assert "<img" not in answer.text.partition("<main")[2]
    assert "<script>alert" not in answer.text


async def test_a_form_given_back_goes_nowhere_but_here(
    seated: Seated, open_browser: OpenBrowser
) -> None:
    browser = open_browser()
    page = await browser.get("/login")
    answer = await browser.submit(
        page,
        "/login",
        email=seated.customer.email,
        password=PASSWORD,
        next="https://evil.example/",
        carried='{"subject": ["My secret question"]}',
    )
    assert {form.action for form in answer.forms} == {"/", "/appearance", "/logout"}


async def test_a_part_that_refreshes_itself_is_told_without_leading_away(
    seated: Seated,
) -> None:
    page = await seated.browser.get("/services")
    await until_over(seated)
    shown = str(page.url)
    part = {"HX-Request": "true", "HX-Current-URL": shown}
    refreshed = await seated.browser.get("/services", **part)
    assert refreshed.status == HTTPStatus.UNAUTHORIZED
    assert "HX-Redirect" not in refreshed.headers
    wanted = await seated.browser.get("/order/vps-2?items.0.quantity=2", **part)
    assert wanted.status == HTTPStatus.UNAUTHORIZED
    assert wanted.headers["HX-Redirect"].startswith("/login?next=%2Forder%2Fvps-2")


async def test_whoever_is_logged_in_no_more_has_nothing_to_listen_to(
    seated: Seated,
) -> None:
    await until_over(seated)
    answer = await seated.browser.get("/live", Accept="text/event-stream")
    assert (answer.status, answer.text) == (HTTPStatus.NO_CONTENT, "")
