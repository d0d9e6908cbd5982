"""Who I am: contact information, e-mail, password, and where I am logged in."""

from http import HTTPStatus
from uuid import UUID

from aiohttp import web

from chassis.http import Page
from chassis.http.policies import customer, signed_in
from contracts.api.accounts import MeView, SessionView
from gateway.portal.choices import countries, time_zones
from gateway.portal.forms import Form
from gateway.portal.languages import N_
from gateway.portal.pages import Pages
from gateway.portal.visit import Visit
from gateway.services import Refused

pages = Pages()

#: Of a profile; what is left empty is removed.
_KEPT = ("name", "country", "language", "time_zone")
_REMOVABLE = ("company", "tax_id", "phone")
_ADDRESS = ("line1", "line2", "city", "region", "postal_code")


@pages.get("/profile", policy=customer("account"))
async def show_profile(visit: Visit) -> web.Response:
    me = await visit.api.get("/me", MeView)
    return _profile_page(visit, _profile(me), Form.filled(email=me.email))


@pages.post("/profile", policy=customer("account"))
async def change_profile(visit: Visit) -> web.Response:
    form = visit.form
    changed = await form.send(visit.api.patch("/me", MeView, _changes(form)))
    if changed is None:
        email = visit.me.email if visit.me else None
        return _profile_page(visit, form, Form.filled(email=email))
    _read_anew(visit)
    visit.remember("language", changed.language)
    return visit.go("/profile", notice=N_("Your profile has been saved."))


@pages.post("/profile/email", policy=customer("account"))
async def change_email(visit: Visit) -> web.Response:
    form = visit.form
    body = {"email": form["email"], "current_password": form["current_password"]}
    changed = await form.send(visit.api.patch("/me", MeView, body))
    if changed is None:
        return _profile_page(visit, _profile(await visit.api.get("/me", MeView)), form)
    _read_anew(visit)
    notice = N_(
        "Your e-mail has been changed. Please confirm it by the link we sent to it."
    )
    return visit.go("/profile", notice=notice)


@pages.get("/security", policy=signed_in())
async def show_security(visit: Visit) -> web.Response:
    return await _security_page(visit, Form())


@pages.post("/security/password", policy=signed_in())
async def change_password(visit: Visit) -> web.Response:
    form = visit.form
    body = {
        "current_password": form["current_password"],
        "password": form["password"],
    }
    done = await form.send(visit.api.act("PUT", "/me/password", body, key=form.key))
    if done is None:
        return await _security_page(visit, form)
    notice = N_("Your password has been changed. Other devices have to log in again.")
    return visit.go("/security", notice=notice)


@pages.post("/security/sessions/{session_id}/end", policy=signed_in())
async def end_session(visit: Visit, session_id: UUID) -> web.Response:
    try:
        await visit.api.act("DELETE", f"/sessions/{session_id}")
    except Refused as refusal:
        if refusal.status != HTTPStatus.NOT_FOUND:
            raise
        # It is over already, as after a second press; or never was one of theirs.
        return visit.go("/security")
    visit.portal.sessions.note_ended(session_id)
    return visit.go("/security", notice=N_("That device has been logged out."))


def _profile(me: MeView) -> Form:
    address = me.address.model_dump() if me.address else {}
    return Form.filled(
        **{name: getattr(me, name) for name in (*_KEPT, *_REMOVABLE)},
        **{f"address__{name}": address.get(name) for name in _ADDRESS},
    )


def _changes(form: Form) -> dict[str, object]:
    """Return the profile as the API takes it; an empty address is none."""
    written = {name: form[f"address.{name}"].strip() or None for name in _ADDRESS}
    return {
        **{name: form[name] for name in _KEPT if name in form.values},
        **{name: form[name].strip() or None for name in _REMOVABLE},
        "address": written if any(written.values()) else None,
    }


def _profile_page(visit: Visit, form: Form, email_form: Form) -> web.Response:
    return visit.render(
        "people/profile.html",
        status=max(form.status, email_form.status),
        form=form,
        email_form=email_form,
        countries=countries(),
        time_zones=time_zones(besides=form["time_zone"]),
    )


async def _security_page(visit: Visit, form: Form) -> web.Response:
    sessions = await visit.api.get(
        "/sessions", Page[SessionView], cursor=visit.query.get("cursor")
    )
    return visit.render(
        "people/security.html", status=form.status, form=form, sessions=sessions
    )


def _read_anew(visit: Visit) -> None:
    """Let the next page ask accounts who this is: it has just changed."""
    if visit.session is not None:
        visit.portal.sessions.forget_session(visit.session.id)
