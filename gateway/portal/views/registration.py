"""Becoming a customer, proving an e-mail address, and a forgotten password."""

from collections.abc import Sequence
from http import HTTPStatus
from zoneinfo import available_timezones

from aiohttp import web

from chassis.client import UpstreamAway
from chassis.http import Page
from chassis.http.policies import public, signed_in
from contracts.api.accounts import CustomerView
from contracts.api.billing.catalogue import ProductView
from gateway.portal.choices import (
    LIKELY_CURRENCIES,
    countries,
    currency_name,
    currency_of,
    likely_country,
)
from gateway.portal.forms import Form
from gateway.portal.languages import N_, current_language
from gateway.portal.pages import Pages
from gateway.portal.returned import local_path
from gateway.portal.views.session import enter
from gateway.portal.visit import Visit, with_query

pages = Pages()

MAXIMUM_PRODUCTS = 100


@pages.get("/register", policy=public())
async def show_registration(visit: Visit) -> web.Response:
    if visit.session is not None:
        return visit.go(local_path(visit.query.get("next", "")))
    form = Form.filled(
        country=likely_country(),
        currency=currency_of(visit),
        next=visit.query.get("next"),
    )
    return await _registration_page(visit, form)


@pages.post("/register", policy=public())
async def register(visit: Visit) -> web.StreamResponse:
    """Make the customer, and log them in at once."""
    form = visit.form
    made = await form.send(
        visit.api.post("/customers", CustomerView, _customer(form), key=form.key)
    )
    if made is None:
        return await _registration_page(visit, form)
    user_agent = visit.request.headers.get("User-Agent", "")
    begun = await form.send(
        visit.portal.sessions.log_in(
            form["email"], form["password"], key=form.key, user_agent=user_agent
        )
    )
    if begun is not None:
        return await enter(visit, begun)
    return visit.go(
        with_query("/login", next=form["next"]),
        notice=N_("Your account is ready. Please log in."),
    )


@pages.get("/verify-email", policy=public())
async def show_verification(visit: Visit) -> web.Response:
    """Ask for a press of the button: a link alone is opened by mail scanners, too."""
    form = Form.filled(token=visit.query.get("token", ""))
    return visit.render("people/verify.html", form=form)


@pages.post("/verify-email", policy=public())
async def verify_email(visit: Visit) -> web.Response:
    form = visit.form
    body = {"token": form["token"]}
    done = await form.send(visit.api.act("POST", "/email-verifications", body))
    if done is None:
        _tell_of_link(form)
        return visit.render("people/verify.html", status=form.status, form=form)
    if visit.session is not None:
        visit.portal.sessions.forget_session(visit.session.id)
    return visit.go(
        "/", notice=N_("Thank you: your e-mail address has been confirmed.")
    )


@pages.post("/verify-email/request", policy=signed_in())
async def request_verification(visit: Visit) -> web.Response:
    await visit.api.act("POST", "/email-verifications/requests", key=visit.form.key)
    return visit.go("/", notice=N_("We have sent you a new link."))


@pages.get("/forgot-password", policy=public())
async def show_forgotten(visit: Visit) -> web.Response:
    return visit.render("people/forgotten.html", form=Form(), sent=False)


@pages.post("/forgot-password", policy=public())
async def request_reset(visit: Visit) -> web.Response:
    """Promise a link, whether or not somebody has this address here."""
    form = visit.form
    body = {"email": form["email"]}
    done = await form.send(
        visit.api.act("POST", "/password-resets", body, key=form.key)
    )
    return visit.render(
        "people/forgotten.html", status=form.status, form=form, sent=done is not None
    )


@pages.get("/reset-password", policy=public())
async def show_reset(visit: Visit) -> web.Response:
    form = Form.filled(token=visit.query.get("token", ""))
    return visit.render("people/reset.html", form=form, is_dead=False)


@pages.post("/reset-password", policy=public())
async def reset_password(visit: Visit) -> web.Response:
    form = visit.form
    body = {"token": form["token"], "password": form["password"]}
    done = await form.send(visit.api.act("POST", "/password-resets/confirm", body))
    if done is None:
        is_dead = _tell_of_link(form)
        return visit.render(
            "people/reset.html", status=form.status, form=form, is_dead=is_dead
        )
    return visit.go(
        "/login", notice=N_("Your password has been changed. Please log in with it.")
    )


def _tell_of_link(form: Form) -> bool:
    """Say of the whole what is wrong with the link: its token is seen by nobody."""
    faults = form.errors.pop("token", [])
    for fault in faults:
        form.refuse(fault)
    return bool(faults)


def _customer(form: Form) -> dict[str, object]:
    body = form.body(
        "email",
        "name",
        "company",
        "tax_id",
        "country",
        "currency",
        "phone",
    )
    # The browser's own, which nobody typed: it is no reason to refuse anything.
    if form["time_zone"] in available_timezones():
        body["time_zone"] = form["time_zone"]
    return {**body, "password": form["password"], "language": current_language()}


async def _registration_page(visit: Visit, form: Form) -> web.Response:
    return visit.render(
        "people/register.html",
        status=form.status,
        form=form,
        is_known=form.status == HTTPStatus.CONFLICT,
        countries=countries(),
        currencies=[(code, currency_name(code)) for code in await _currencies(visit)],
    )


async def _currencies(visit: Visit) -> Sequence[str]:
    """Return what the company sells in: the currencies of the catalogue's prices."""
    try:
        products = await visit.api.get(
            "/products", Page[ProductView], limit=MAXIMUM_PRODUCTS
        )
    except UpstreamAway:
        # Nobody has to wait for the catalogue to become a customer.
        return LIKELY_CURRENCIES
    return sorted(
        {price.amount.currency for each in products.items for price in each.prices}
    )
