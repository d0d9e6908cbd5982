"""The profile by its forms: what is refused, what is kept, and what is removed."""

import asyncio
from http import HTTPStatus

import pytest

from tests.e2e.client import new_email
from tests.e2e.journey import PASSWORD
from tests.e2e.stack import Stack
from tests.integration.portal.browsing import Browser
from tests.integration.portal.conftest import NewCustomer, OpenBrowser, Seated


async def test_the_form_shows_what_is_known_and_saves_what_is_typed(
    seated: Seated,
) -> None:
    page = await seated.browser.get("/profile")
    form = page.form("/profile")
    assert (form["name"], form["country"]) == ("Ana Souza", "BR")
    typed = {"address.line1": "Rua A, 1", "address.city": "S\u00e3o Paulo"}
    answer = await seated.browser.submit(
        page, "/profile", company="Aurora", phone="+55 11 5555-0100", **typed
    )
    assert (answer.status, answer.location) == (303, "/profile")
    me = await seated.customer.api.get("/me")
    assert (me["company"], me["phone"]) == ("Aurora", "+55 11 5555-0100")
    assert (me["address"]["line1"], me["address"]["city"]) == tuple(typed.values())
    shown = await seated.browser.get("/")
    assert "Rua A, 1" in shown.said


async def test_what_is_emptied_is_removed(new_customer: NewCustomer) -> None:
    seated = await new_customer(company="Aurora", phone="+55 11 5555-0100")
    page = await seated.browser.get("/profile")
    await seated.browser.submit(page, "/profile", company="", phone=" ")
    me = await seated.customer.api.get("/me")
    assert (me["company"], me["phone"]) == (None, None)


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"tax_id": "123"}, "tax_id"),
        ({"phone": "call me"}, "phone"),
        ({"country": "XX"}, "country"),
        ({"language": "xx"}, "language"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"time_zone": ""}, "time_zone"),
        ({"address.city": "S\u00e3o Paulo"}, "address.line1"),
        ({"address.line1": "Rua A, 1"}, "address.city"),
        ({"address.postal_code": "x" * 21, "address.line1": "A"}, "address.city"),
    ],
)
async def test_what_is_refused_is_said_beside_its_field_and_all_is_kept(
    seated: Seated, typed: dict[str, str], field: str
) -> None:
    page = await seated.browser.get("/profile")
    answer = await seated.browser.submit(
        page, "/profile", **{"company": "Typed Ltd", **typed}
    )
    assert answer.status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert answer.fault(field)
    assert answer.form("/profile")["company"] == "Typed Ltd"
    assert answer.form("/profile/email")["email"] == seated.customer.email
    assert (await seated.customer.api.get("/me"))["company"] is None


async def test_a_zone_that_the_list_lacks_is_kept(new_customer: NewCustomer) -> None:
    seated = await new_customer(time_zone="UTC")
    page = await seated.browser.get("/profile")
    assert page.form("/profile")["time_zone"] == "UTC"
    answer = await seated.browser.submit(page, "/profile", company="Aurora")
    assert answer.status == HTTPStatus.SEE_OTHER
    assert (await seated.customer.api.get("/me"))["time_zone"] == "UTC"


async def test_another_e_mail_needs_the_password_and_a_new_confirmation(
    stack: Stack, seated: Seated
) -> None:
    email = new_email()
    page = await seated.browser.get("/profile")
    wrong = await seated.browser.submit(
        page, "/profile/email", email=email, current_password="not mine"
    )
    assert wrong.status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert wrong.fault("current_password")
    assert wrong.form("/profile/email")["email"] == email
    assert wrong.form("/profile")["name"] == "Ana Souza"
    answer = await seated.browser.submit(
        wrong, "/profile/email", current_password=PASSWORD
    )
    assert (answer.status, answer.location) == (303, "/profile")
    home = await seated.browser.get("/")
    assert f"we have sent a link to {email}" in home.said
    assert await stack.mailbox.wait_for(email, "confirm")


async def test_an_e_mail_of_somebody_else_is_refused_beside_it(
    seated: Seated, new_customer: NewCustomer
) -> None:
    other = await new_customer()
    page = await seated.browser.get("/profile")
    answer = await seated.browser.submit(
        page,
        "/profile/email",
        email=other.customer.email,
        current_password=PASSWORD,
    )
    assert answer.status == HTTPStatus.CONFLICT
    assert "in use" in answer.fault("email")


async def test_a_button_pressed_thrice_saves_the_same(seated: Seated) -> None:
    page = await seated.browser.get("/profile")
    answers = await asyncio.gather(
        *(seated.browser.submit(page, "/profile", company="Aurora") for _ in range(3))
    )
    assert {each.status for each in answers} == {HTTPStatus.SEE_OTHER}
    assert (await seated.customer.api.get("/me"))["company"] == "Aurora"


async def test_of_two_tabs_the_later_one_counts(seated: Seated) -> None:
    first, second = [await seated.browser.get("/profile") for _ in range(2)]
    await seated.browser.submit(first, "/profile", company="First")
    answer = await seated.browser.submit(second, "/profile", company="Second")
    assert answer.status == HTTPStatus.SEE_OTHER
    assert (await seated.customer.api.get("/me"))["company"] == "Second"


async def test_language_and_theme_are_remembered_in_this_browser(
    visitor: Browser,
) -> None:
    page = await visitor.get("/news?cursor=")
    answer = await visitor.submit(page, "/appearance", language="pt-BR", theme="dark")
    assert (answer.status, answer.location) == (303, "/news?cursor=")
    shown = await visitor.get("/news")
    assert '<html lang="pt-BR" data-theme="dark">' in shown.text


@pytest.mark.parametrize("value", ["", "xx", '"><script>', "x" * 5000])
async def test_a_language_or_theme_that_is_none_changes_nothing(
    visitor: Browser, value: str
) -> None:
    page = await visitor.get("/news")
    answer = await visitor.submit(page, "/appearance", language=value, theme=value)
    assert answer.status == HTTPStatus.SEE_OTHER
    shown = await visitor.get("/news")
    assert '<html lang="en" data-theme="auto"' in shown.text


async def test_a_choice_made_here_says_nothing_about_other_browsers(
    seated: Seated, open_browser: OpenBrowser
) -> None:
    page = await seated.browser.get("/")
    await seated.browser.submit(page, "/appearance", language="pt-BR", theme="auto")
    assert (await seated.browser.get("/profile")).heading == "Perfil"
    other = open_browser()
    await other.log_in(seated.customer.email, PASSWORD)
    assert (await other.get("/profile")).heading == "Profile"
