"""A session that ended meanwhile: the log-in leads back, and what was typed is kept."""

from http import HTTPStatus

import pytest

from tests.e2e.client import until
from tests.e2e.journey import PASSWORD
from tests.integration.portal.browsing import Browser, Page
from tests.integration.portal.conftest import NewCustomer, Seated

MESSAGE = 'Line one\n<script>alert("1")</script>\n\u202eright to left'
TYPED = [("subject", "My question"), ("message", "Is it here?")]


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
    assert "My site" not in login.text
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
    given_back = await log_in_again(seated, login)
    assert "new@example.com" in given_back.said
    assert "my secret" not in given_back.text


async def test_nobody_else_who_logs_in_next_gets_to_see_what_was_typed(
    seated: Seated, new_customer: NewCustomer
) -> None:
    login = await ask_after_the_end(seated)
    assert "Line one" not in login.text
    other = (await new_customer()).customer
    answer = await seated.browser.submit(
        login, "/login", email=other.email, password=PASSWORD
    )
    assert (answer.status, answer.location) == (HTTPStatus.SEE_OTHER, "/")
    home = await seated.browser.follow(answer)
    assert "What somebody else had typed here before you was not kept." in home.said
    assert "My site" not in home.text


async def test_a_page_of_somebody_else_who_was_here_before_gives_nothing_back(
    seated: Seated, new_customer: NewCustomer
) -> None:
    browser, other = seated.browser, (await new_customer()).customer
    old = await browser.get("/profile")
    await browser.submit(old, "/logout")
    await browser.log_in(other.email, PASSWORD)
    answer = await browser.submit(old, "/profile", company="Typed Ltd")
    assert answer.status == HTTPStatus.CONFLICT
    assert answer.heading == "Somebody else had opened that page"
    assert "Typed Ltd" not in answer.text
    assert (await other.api.get("/me"))["company"] is None


async def test_what_a_visitor_typed_is_given_to_whoever_logs_in(
    seated: Seated, visitor: Browser
) -> None:
    login = await visitor.upload("/tickets/new", [*TYPED, ("_user", "visitor")], [])
    given_back = await visitor.submit(
        login, "/login", email=seated.customer.email, password=PASSWORD
    )
    assert given_back.status == HTTPStatus.CONFLICT
    assert "My question" in given_back.said


async def test_what_does_not_say_whose_it_is_is_not_carried_along(
    visitor: Browser,
) -> None:
    login = await visitor.upload("/tickets/new", TYPED, [])
    assert login.form("/login")["carried"] == ""
    assert "nothing has been done" in login.said


async def test_what_is_carried_is_of_no_use_in_another_browser(
    seated: Seated, visitor: Browser
) -> None:
    login = await ask_after_the_end(seated)
    page = await visitor.get("/login?next=/services")
    answer = await visitor.submit(
        page,
        "/login",
        email=seated.customer.email,
        password=PASSWORD,
        carried=login.form("/login")["carried"],
    )
    assert (answer.status, answer.location) == (303, "/services")


@pytest.mark.parametrize(
    "carried", ["x", '{"subject": ["a"]}', "\u00e9" * 200, "A" * 300_000], ids=range(4)
)
async def test_whatever_is_carried_a_log_in_is_a_log_in(
    seated: Seated, visitor: Browser, carried: str
) -> None:
    page = await visitor.get("/login?next=/services")
    answer = await visitor.submit(
        page,
        "/login",
        email=seated.customer.email,
        password=PASSWORD,
        carried=carried,
    )
    assert (answer.status, answer.location) == (303, "/services")
    assert (await visitor.get("/")).status == HTTPStatus.OK


async def test_what_is_carried_is_shown_as_text_and_brings_no_secret_along(
    seated: Seated, visitor: Browser
) -> None:
    hostile = [
        ("subject", '"><script>alert(1)</script>'),
        ("x><img src=x onerror=alert(1)>", "x"),
        ("password", "planted"),
        ("_csrf", "planted"),
        ("_user", "visitor"),
    ]
    login = await visitor.upload("/tickets/new", hostile, [])
    answer = await visitor.submit(
        login, "/login", email=seated.customer.email, password=PASSWORD
    )
    assert answer.status == HTTPStatus.CONFLICT
    assert "planted" not in answer.text
    assert "<img" not in answer.text.partition("<main")[2]
    assert "<script>alert" not in answer.text


async def test_a_form_given_back_goes_nowhere_but_here(
    seated: Seated, visitor: Browser
) -> None:
    login = await visitor.upload("/tickets/new", [*TYPED, ("_user", "visitor")], [])
    answer = await visitor.submit(
        login,
        "/login",
        email=seated.customer.email,
        password=PASSWORD,
        next="https://evil.example/",
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
