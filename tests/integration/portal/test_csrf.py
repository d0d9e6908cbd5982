"""Forms prove that they are ours: nothing is done for one that doesn't."""

from http import HTTPStatus

import pytest

from tests.e2e.client import PROOF
from tests.e2e.journey import PASSWORD, register
from tests.e2e.stack import Stack
from tests.integration.portal.browsing import Browser
from tests.integration.portal.conftest import NewCustomer, OpenBrowser, Seated

FOREIGN = (
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "nonsense"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://["},
    {"Origin": "http://127.0.0.1:1"},
)


async def company_of(seated: Seated) -> str | None:
    return (await seated.customer.api.get("/me"))["company"]


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "\u00e9" * 43, None])
async def test_a_form_without_the_right_token_is_given_back_undone(
    seated: Seated, token: str | None
) -> None:
    page = await seated.browser.get("/profile")
    answer = await seated.browser.submit(
        page, "/profile", company="Typed Ltd", _csrf=token
    )
    assert answer.status == HTTPStatus.CONFLICT
    assert "nothing has been done" in answer.said
    assert "Typed Ltd" in answer.said
    assert await company_of(seated) is None


async def test_a_token_of_another_session_proves_nothing(
    seated: Seated, new_customer: NewCustomer
) -> None:
    other = await new_customer()
    token = (await other.browser.get("/profile")).form("/profile")["_csrf"]
    page = await seated.browser.get("/profile")
    answer = await seated.browser.submit(
        page, "/profile", company="Typed Ltd", _csrf=token
    )
    assert answer.status == HTTPStatus.CONFLICT
    assert await company_of(seated) is None


async def test_a_token_of_an_earlier_session_is_given_back_and_sent_with_one_press(
    seated: Seated,
) -> None:
    browser = seated.browser
    old = await browser.get("/profile")
    await browser.submit(old, "/logout")
    await browser.log_in(seated.customer.email, PASSWORD)
    given_back = await browser.submit(old, "/profile", company="Typed Ltd")
    assert given_back.status == HTTPStatus.CONFLICT
    assert "You logged in again" in given_back.said
    answer = await browser.submit(given_back, "/profile")
    assert (answer.status, answer.location) == (303, "/profile")
    assert await company_of(seated) == "Typed Ltd"


async def test_a_form_that_does_not_say_whose_it_is_is_given_back_to_its_sender(
    seated: Seated,
) -> None:
    browser = seated.browser
    old = await browser.get("/profile")
    await browser.submit(old, "/logout")
    await browser.log_in(seated.customer.email, PASSWORD)
    # As the release before had made its pages.
    given_back = await browser.submit(old, "/profile", company="Typed Ltd", _user=None)
    assert given_back.heading == "Please send this once more"
    answer = await browser.submit(given_back, "/profile")
    assert (answer.status, answer.location) == (303, "/profile")
    assert await company_of(seated) == "Typed Ltd"


async def test_a_token_from_before_the_log_in_proves_nothing_after_it(
    stack: Stack, visitor: Browser
) -> None:
    customer = await register(stack.api)
    before = (await visitor.get("/login")).form("/login")["_csrf"]
    await visitor.log_in(customer.email, PASSWORD)
    page = await visitor.get("/profile")
    answer = await visitor.submit(page, "/profile", company="Typed Ltd", _csrf=before)
    assert answer.status == HTTPStatus.CONFLICT
    assert (await customer.api.get("/me"))["company"] is None


@pytest.mark.parametrize("headers", FOREIGN)
async def test_what_another_site_sends_is_refused_even_with_the_right_token(
    seated: Seated, headers: dict[str, str]
) -> None:
    page = await seated.browser.get("/profile")
    answer = await seated.browser.submit(page, "/profile", headers, company="Typed Ltd")
    assert answer.status == HTTPStatus.FORBIDDEN
    assert answer.heading == "This came from another site"
    assert await company_of(seated) is None


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {}])
async def test_what_our_own_page_sends_is_taken(
    seated: Seated, headers: dict[str, str]
) -> None:
    page = await seated.browser.get("/profile")
    own = {"Origin": str(page.url.origin()), **headers}
    answer = await seated.browser.submit(page, "/profile", own, company="Typed Ltd")
    assert answer.status == HTTPStatus.SEE_OTHER
    assert await company_of(seated) == "Typed Ltd"


@pytest.mark.parametrize("headers", FOREIGN)
async def test_nobody_is_logged_in_by_another_site(
    stack: Stack, visitor: Browser, headers: dict[str, str]
) -> None:
    customer = await register(stack.api)
    page = await visitor.get("/login")
    answer = await visitor.submit(
        page, "/login", headers, email=customer.email, password=PASSWORD
    )
    assert answer.status == HTTPStatus.FORBIDDEN
    assert visitor.cookie("session") is None


async def test_a_log_in_with_a_token_of_another_visitor_keeps_the_address_alone(
    stack: Stack, visitor: Browser, open_browser: OpenBrowser
) -> None:
    customer = await register(stack.api)
    foreign = (await open_browser().get("/login")).form("/login")["_csrf"]
    page = await visitor.get("/login")
    answer = await visitor.submit(
        page, "/login", email=customer.email, password=PASSWORD, _csrf=foreign
    )
    assert answer.status == HTTPStatus.CONFLICT
    assert "keeps no cookies" in answer.said
    assert answer.form("/login")["email"] == customer.email
    assert PASSWORD not in answer.text
    assert visitor.cookie("session") is None


async def test_a_log_in_form_left_open_in_another_tab_is_no_trouble(
    seated: Seated, visitor: Browser
) -> None:
    tab = await visitor.get("/login?next=/services")
    await visitor.log_in(seated.customer.email, PASSWORD)
    answer = await visitor.submit(
        tab, "/login", email=seated.customer.email, password=PASSWORD
    )
    assert (answer.status, answer.location) == (303, "/services")


async def test_passwords_are_never_in_what_is_given_back(seated: Seated) -> None:
    page = await seated.browser.get("/profile")
    answer = await seated.browser.submit(
        page,
        "/profile/email",
        email="new@example.com",
        current_password="typed secret",
        _csrf="stale",
    )
    assert answer.status == HTTPStatus.CONFLICT
    assert "new@example.com" in answer.said
    assert "typed secret" not in answer.text
    retried = await seated.browser.submit(answer, "/profile/email")
    assert retried.status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert retried.fault("current_password")
    assert retried.form("/profile/email")["email"] == "new@example.com"


async def test_a_button_without_the_right_token_leads_back_to_its_page(
    seated: Seated,
) -> None:
    page = await seated.browser.get("/security")
    sessions = (await seated.customer.api.get("/sessions"))["items"]
    [app] = [each for each in sessions if each["kind"] == "app"]
    action = f"/security/sessions/{app['id']}/end"
    answer = await seated.browser.submit(page, action, _csrf="stale")
    assert answer.status == HTTPStatus.CONFLICT
    assert answer.heading == "Please press the button again"
    assert 'href="/security"' in answer.text
    await seated.customer.api.get("/me")


async def test_no_file_is_taken_in_with_a_form_that_is_not_ours(
    stack: Stack, seated: Seated
) -> None:
    before = _uploads(stack)
    answer = await seated.browser.upload(
        "/tickets/new", [("_csrf", "stale")], [("files", "proof.png", PROOF)]
    )
    assert answer.status == HTTPStatus.CONFLICT
    assert _uploads(stack) == before


def _uploads(stack: Stack) -> int:
    """Return how many files the gateway has passed on."""
    log = (stack.product.folder / "logs" / "tickets.log").read_text()
    return log.count("/api/v1/attachments")


async def test_looking_at_a_page_changes_nothing(seated: Seated) -> None:
    for path in ("/logout", "/verify-email/request", "/security/password"):
        assert (await seated.browser.get(path)).status == HTTPStatus.NOT_FOUND
    assert (await seated.browser.get("/")).status == HTTPStatus.OK
