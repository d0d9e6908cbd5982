"""Logging in and out; from wherever a log-in was asked for, it leads back there."""

import json
from http import HTTPStatus

from aiohttp import web

from chassis.http.policies import public
from gateway.portal.cookies import SESSION_SECONDS
from gateway.portal.faults import give_back
from gateway.portal.forms import Form
from gateway.portal.languages import LANGUAGES, N_, gettext
from gateway.portal.pages import Pages
from gateway.portal.rendering import THEMES
from gateway.portal.visit import Visit
from gateway.services import Refused

pages = Pages()


@pages.get("/login", policy=public())
async def show_login(visit: Visit) -> web.Response:
    if visit.session is not None:
        return visit.go(local_path(visit.query.get("next", "")))
    return _login_page(visit, Form.filled(next=visit.query.get("next")))


@pages.post("/login", policy=public())
async def log_in(visit: Visit) -> web.StreamResponse:
    form = visit.form
    token = await _log_in(visit, form["email"], form["password"])
    if token is None:
        return _login_page(visit, form)
    return await enter(visit, token)


@pages.post("/logout", policy=public())
async def log_out(visit: Visit) -> web.Response:
    if visit.session is not None:
        await visit.portal.sessions.end(visit.session)
    response = visit.go("/login", notice=N_("You are logged out."))
    visit.portal.cookies.drop(response, "session")
    return response


@pages.post("/appearance", policy=public())
async def change_appearance(visit: Visit) -> web.Response:
    """Remember language and theme in this browser."""
    if visit.form["language"] in LANGUAGES:
        visit.remember("language", visit.form["language"])
    if visit.form["theme"] in THEMES:
        visit.remember("theme", visit.form["theme"])
    return visit.go(local_path(visit.form["next"]))


async def enter(visit: Visit, token: str) -> web.StreamResponse:
    """Begin the session, and lead on to where the log-in was asked for."""
    visit.keep_session(token, SESSION_SECONDS)
    path = local_path(visit.form["next"])
    carried = _carried(visit.form["carried"])
    if not carried:
        return visit.go(path)
    await visit.begin(token)
    return give_back(visit, path, carried)


def local_path(path: str) -> str:
    """Return the path if it is one of ours: nobody is led astray from here."""
    is_local = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if is_local and path.isprintable() else "/"


async def _log_in(visit: Visit, email: str, password: str) -> str | None:
    user_agent = visit.request.headers.get("User-Agent", "")
    try:
        return await visit.form.send(
            visit.portal.sessions.log_in(email, password, user_agent=user_agent)
        )
    except Refused as refusal:
        if refusal.status != HTTPStatus.UNAUTHORIZED:
            raise
        visit.form.refuse(
            gettext("This e-mail and password don't belong together. Please try again.")
        )
        return None


def _login_page(visit: Visit, form: Form) -> web.Response:
    return visit.render(
        "session/login.html", status=form.status, form=form, expired=False
    )


def _carried(text: str) -> dict[str, list[str]]:
    """Return the fields of a form that met an expired session, if there are any."""
    try:
        found: object = json.loads(text or "{}")
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    return {
        str(name): [str(value) for value in values]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - JSON from a page
        for name, values in found.items()  # pyright: ignore[reportUnknownVariableType] - JSON from a page
        if isinstance(values, list)
    }
