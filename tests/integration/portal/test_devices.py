"""Where somebody is logged in: shown by names that people know, and ended from afar."""

from http import HTTPStatus

from tests.e2e.journey import PASSWORD
from tests.e2e.stack import Stack
from tests.integration.portal.browsing import Browser
from tests.integration.portal.conftest import OpenBrowser, Seated

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
)


def ends(browser_text: str) -> list[str]:
    """Return what each button of the page would end."""
    return [
        part.partition('"')[0]
        for part in browser_text.split('action="')[1:]
        if part.startswith("/security/sessions/")
    ]


async def test_devices_have_names_and_this_one_is_marked(
    seated: Seated, open_browser: OpenBrowser
) -> None:
    phone = open_browser(device=IPHONE)
    await phone.log_in(seated.customer.email, PASSWORD)
    said = (await seated.browser.get("/security")).said
    assert "Firefox, Windows This device" in said
    assert "Safari, iPhone" in said
    assert "An app, through the API" in said
    assert said.count("This device") == 1


async def test_another_device_is_logged_out_from_here(
    seated: Seated, open_browser: OpenBrowser
) -> None:
    phone = open_browser(device=IPHONE)
    await phone.log_in(seated.customer.email, PASSWORD)
    assert (await phone.get("/")).status == HTTPStatus.OK
    page = await seated.browser.get("/security")
    row = page.text.partition("Safari, iPhone")[2]
    answer = await seated.browser.submit(page, ends(row)[0])
    assert (answer.status, answer.location) == (303, "/security")
    shown = await seated.browser.follow(answer)
    assert "That device has been logged out." in shown.said
    assert "Safari, iPhone" not in shown.said
    assert (await phone.get("/")).status == HTTPStatus.SEE_OTHER


async def test_a_button_pressed_twice_is_no_fault(
    seated: Seated, open_browser: OpenBrowser
) -> None:
    await open_browser(device=IPHONE).log_in(seated.customer.email, PASSWORD)
    page = await seated.browser.get("/security")
    [action, *_] = ends(page.text)
    for _ in range(2):
        answer = await seated.browser.submit(page, action)
        assert (answer.status, answer.location) == (303, "/security")


async def test_nobody_ends_the_session_of_another(
    seated: Seated, visitor: Browser, stack: Stack
) -> None:
    mine = await seated.browser.get("/security")
    [login] = [each for each in stack.demo["logins"] if each["role"] == "support"]
    await visitor.log_in(login["email"], login["password"])
    theirs = await visitor.get("/security")
    token = theirs.form("/security/password")["_csrf"]
    answer = await visitor.ask("POST", ends(mine.text)[0], data={"_csrf": token})
    assert (answer.status, answer.location) == (303, "/security")
    assert "logged out" not in (await visitor.follow(answer)).said
    assert (await seated.customer.api.get("/me"))["email"] == seated.customer.email


async def test_staff_see_their_devices_too(stack: Stack, visitor: Browser) -> None:
    [login] = [each for each in stack.demo["logins"] if each["role"] == "finance"]
    await visitor.log_in(login["email"], login["password"])
    page = await visitor.get("/security")
    assert page.status == HTTPStatus.OK
    assert "Firefox, Windows Este dispositivo" in page.said
    assert (await visitor.get("/profile")).status == HTTPStatus.FORBIDDEN


async def test_what_a_device_calls_itself_is_shown_as_text(
    seated: Seated, open_browser: OpenBrowser
) -> None:
    hostile = open_browser(device='<script>alert("1")</script>' + "x" * 3000)
    await hostile.log_in(seated.customer.email, PASSWORD)
    page = await seated.browser.get("/security")
    assert '<script>alert("1")</script>' in page.said
    assert "<script>alert" not in page.text
    assert "x" * 100 not in page.text
