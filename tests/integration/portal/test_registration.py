"""Becoming a customer by the form: what is refused, and where it leads."""

import asyncio
from http import HTTPStatus

import pytest

from tests.e2e.client import new_email, until
from tests.e2e.journey import PASSWORD, register
from tests.e2e.stack import Stack
from tests.integration.portal.browsing import Browser, Page
from tests.integration.portal.conftest import OpenBrowser, Seated

CPF = "529.982.247-25"
CNPJ = "11.222.333/0001-81"


async def sign_up(browser: Browser, **typed: str | None) -> Page:
    page = await browser.get("/register")
    return await browser.submit(
        page,
        "/register",
        **{
            "name": "Ana Souza",
            "email": new_email(),
            "password": PASSWORD,
            "country": "BR",
            "currency": "BRL",
            **typed,
        },
    )


async def test_a_visitor_becomes_a_customer_and_is_asked_to_confirm_the_address(
    stack: Stack, visitor: Browser
) -> None:
    email = new_email()
    answer = await sign_up(visitor, email=email, tax_id=CPF, time_zone="Europe/Lisbon")
    assert (answer.status, answer.location) == (303, "/")
    page = await visitor.follow(answer)
    assert "Hello, Ana Souza" in page.heading
    assert f"we have sent a link to {email}" in page.said
    me = await (await stack.api.log_in(email, PASSWORD)).get("/me")
    facts = (me["tax_id"], me["time_zone"], me["currency"], me["language"])
    assert facts == (CPF, "Europe/Lisbon", "BRL", "en")


@pytest.mark.parametrize(
    ("typed", "field", "fault"),
    [
        ({"name": ""}, "name", "fill this in"),
        ({"name": "x" * 201}, "name", "200"),
        ({"email": ""}, "email", "fill this in"),
        ({"email": "no address"}, "email", "address"),
        ({"email": "a@" + "x" * 250 + ".com"}, "email", "254"),
        ({"password": ""}, "password", "fill this in"),
        ({"password": "too short"}, "password", "10"),
        ({"password": "x" * 201}, "password", "200"),
        ({"country": ""}, "country", "fill this in"),
        ({"country": "XX"}, "country", "from the list"),
        ({"currency": "ZZZ"}, "currency", "Must be one of BRL"),
        ({"tax_id": "123"}, "tax_id", "CPF"),
        ({"tax_id": "529.982.247-26"}, "tax_id", "CPF"),
        ({"phone": "call me"}, "phone", "phone"),
    ],
)
async def test_what_is_refused_is_said_beside_its_field_and_the_rest_is_kept(
    visitor: Browser, typed: dict[str, str], field: str, fault: str
) -> None:
    kept = {"company": "Aurora & Co.", "name": "Ana Souza", **typed}
    page = await sign_up(visitor, **kept)
    assert page.status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert fault.lower() in page.fault(field).lower()
    form = page.form("/register")
    assert form["company"] == "Aurora & Co."
    if field not in ("country", "currency", "password"):
        assert form[field] == kept[field]
    assert PASSWORD not in page.text
    assert 'type="password" id="password" name="password" required' in page.text


async def test_refusals_are_said_in_portuguese(open_browser: OpenBrowser) -> None:
    browser = open_browser(language="pt-BR")
    page = await browser.get("/register")
    assert page.form("/register")["country"] == "BR"
    assert page.form("/register")["currency"] == "BRL"
    page = await sign_up(browser, name="")
    assert page.fault("name") == "Preencha este campo"
    page = await sign_up(browser, password="curta", tax_id="1")
    assert "10 caracteres" in page.fault("password")
    assert "CPF" in page.fault("tax_id")
    assert "Nada do que você digitou se perdeu" in page.said


async def test_an_address_in_use_leads_to_the_log_in_and_to_a_new_password(
    stack: Stack, visitor: Browser
) -> None:
    known = await register(stack.api)
    page = await sign_up(visitor, email=known.email.upper(), company="Aurora")
    assert page.status == HTTPStatus.CONFLICT
    assert "in use" in page.fault("email")
    beside = page.text.partition('id="email-fault"')[2].partition('for="password"')[0]
    assert 'href="/login"' in beside
    assert 'href="/forgot-password"' in beside
    assert page.form("/register")["company"] == "Aurora"


async def test_companies_register_with_their_cnpj(visitor: Browser) -> None:
    answer = await sign_up(visitor, company="Aurora Ltda.", tax_id=CNPJ)
    assert answer.status == HTTPStatus.SEE_OTHER


async def test_every_country_is_offered_once_in_the_order_of_its_names(
    visitor: Browser,
) -> None:
    text = (await visitor.get("/register")).text
    select = text.partition('id="country"')[2].partition("</select>")[0]
    options = [line.split('"')[1] for line in select.split("<option ")[1:]]
    assert len(options) == len(set(options)) > 190
    assert {"BR", "US", "PT", "AX"} <= set(options)
    assert options.index("AX") < options.index("BR") < options.index("ZW")


async def test_only_currencies_that_something_is_sold_in_are_offered(
    stack: Stack, visitor: Browser
) -> None:
    products = (await stack.api.get("/products?limit=100"))["items"]
    sold = {
        price["amount"]["currency"] for each in products for price in each["prices"]
    }
    text = (await visitor.get("/register")).text
    select = text.partition('id="currency"')[2].partition("</select>")[0]
    assert {part.split('"')[1] for part in select.split("<option ")[1:]} == sold


async def test_a_browsers_odd_time_zone_is_no_reason_to_refuse(
    visitor: Browser,
) -> None:
    assert (await sign_up(visitor, time_zone="Etc/Unknown")).status == 303


async def test_a_button_pressed_twice_makes_one_customer(
    stack: Stack, visitor: Browser
) -> None:
    email = new_email()
    page = await visitor.get("/register")
    typed = {"name": "Ana", "email": email, "password": PASSWORD, "country": "BR"}
    answers = await asyncio.gather(
        *(visitor.submit(page, "/register", **typed, currency="BRL") for _ in range(3))
    )
    assert [(each.status, each.location) for each in answers] == [(303, "/")] * 3
    finance = await stack.staff("finance")
    found = await finance.get(f"/staff/customers?q={email}")
    assert len(found["items"]) == 1


async def test_going_back_and_sending_again_leads_to_the_first_page(
    visitor: Browser,
) -> None:
    page = await visitor.get("/register")
    typed = {"name": "Ana", "email": new_email(), "password": PASSWORD}
    for _ in range(2):
        answer = await visitor.submit(
            page, "/register", **typed, country="BR", currency="BRL"
        )
        assert (answer.status, answer.location) == (303, "/")


async def test_registering_leads_to_where_the_visitor_wanted_to_go(
    visitor: Browser,
) -> None:
    page = await sign_up(visitor, next="/order/vps-2", name="")
    answer = await visitor.submit(page, "/register", name="Ana", password=PASSWORD)
    assert answer.location == "/order/vps-2"
    assert (await visitor.get("/order/vps-2")).status == HTTPStatus.OK


async def test_registering_leads_to_pages_of_ours_alone(visitor: Browser) -> None:
    answer = await sign_up(visitor, next="//evil.example")
    assert (answer.status, answer.location) == (303, "/")


async def link_from(stack: Stack, seated: Seated) -> str:
    """Return the address in the mail that asks to confirm, as a path."""
    mail = await stack.mailbox.wait_for(seated.customer.email, "confirm|verif")
    start = mail["Text"].index("/verify-email?token=")
    return mail["Text"][start:].split()[0]


async def test_the_mails_link_confirms_with_one_press(
    stack: Stack, seated: Seated
) -> None:
    path = await link_from(stack, seated)
    page = await seated.browser.get(path)
    assert page.heading == "Confirm your e-mail address"
    # A mail scanner that opens the link has confirmed nothing.
    assert not (await seated.customer.api.get("/me"))["email_verified"]
    answer = await seated.browser.submit(page, "/verify-email")
    home = await seated.browser.follow(answer)
    assert "your e-mail address has been confirmed" in home.said
    assert "Please confirm your e-mail address" not in home.said
    assert (await seated.customer.api.get("/me"))["email_verified"]


async def test_the_link_works_where_nobody_is_logged_in(
    stack: Stack, seated: Seated, visitor: Browser
) -> None:
    page = await visitor.get(await link_from(stack, seated))
    answer = await visitor.submit(page, "/verify-email")
    assert answer.status == HTTPStatus.SEE_OTHER
    assert "has been confirmed" in (await visitor.follow(answer)).said


async def test_a_link_pressed_twice_says_twice_that_it_is_confirmed(
    stack: Stack, seated: Seated
) -> None:
    page = await seated.browser.get(await link_from(stack, seated))
    for _ in range(2):
        answer = await seated.browser.submit(page, "/verify-email")
        assert "has been confirmed" in (await seated.browser.follow(answer)).said


async def test_a_link_to_an_address_that_was_changed_since_says_how_to_go_on(
    stack: Stack, seated: Seated
) -> None:
    path = await link_from(stack, seated)
    change = {"email": new_email(), "current_password": PASSWORD}
    await seated.customer.api.call("PATCH", "/me", change)
    page = await seated.browser.get(path)
    answer = await seated.browser.submit(page, "/verify-email")
    assert answer.status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "The link is not valid" in answer.said
    assert "ask for a new link" in answer.said
    assert not (await seated.customer.api.get("/me"))["email_verified"]


@pytest.mark.parametrize("token", ["", "none", "x" * 5000, "\u202e<script>"])
async def test_a_link_that_is_none_is_told_kindly(visitor: Browser, token: str) -> None:
    page = await visitor.get("/verify-email")
    answer = await visitor.submit(page, "/verify-email", token=token)
    assert answer.status == HTTPStatus.UNPROCESSABLE_ENTITY
    assert "link" in answer.said
    assert "<script>" not in answer.text.replace("<script src", "")


async def test_a_new_link_can_be_asked_for(stack: Stack, seated: Seated) -> None:
    await link_from(stack, seated)
    home = await seated.browser.get("/")
    answer = await seated.browser.submit(home, "/verify-email/request")
    assert "We have sent you a new link" in (await seated.browser.follow(answer)).said

    async def second() -> bool:
        mails = await stack.mailbox.sent_to(seated.customer.email)
        return len([m for m in mails if "onfirm" in m["Subject"]]) > 1

    await until(second, what="a second link is mailed")
