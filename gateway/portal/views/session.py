"""Logging in and out; from wherever a log-in was asked for, it leads back there."""

from http import HTTPStatus

from aiohttp import web

from chassis.client import UpstreamAway
from chassis.http.policies import public
from contracts.api.accounts import BrowserSessionView
from gateway.portal.carrying import carried
from gateway.portal.faults import show_log_in
from gateway.portal.forms import Form
from gateway.portal.languages import LANGUAGES, N_, gettext
from gateway.portal.pages import Pages
from gateway.portal.rendering import THEMES
from gateway.portal.returned import give_back, is_theirs, local_path
from gateway.portal.visit import Visit
from gateway.services import Refused

pages = Pages()


@pages.get("/login", policy=public())
async def show_login(visit: Visit) -> web.Response:
    if visit.session is not None:
        return visit.go(local_path(visit.query.get("next", "")))
    return show_log_in(visit, Form.filled(next=visit.query.get("next")))


@pages.post("/login", policy=public())
async def log_in(visit: Visit) -> web.StreamResponse:
    form = visit.form
    begun = await _log_in(visit, form["email"], form["password"])
    if begun is None:
        return show_log_in(visit, form)
    return await enter(visit, begun)


@pages.post("/logout", policy=public())
async def log_out(visit: Visit) -> web.Response:
    ended = await _end_session(visit)
    everywhere, here = (
        N_("You are logged out."),
        N_("You are logged out in this browser."),
    )
    notice = everywhere if ended else here
    response = visit.go("/login", notice=notice)
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


async def enter(visit: Visit, begun: BrowserSessionView) -> web.StreamResponse:
    """Begin the session, and lead on to where the log-in was asked for.

    Whoever was logged in by this browser before is so no longer.
    """
    await _end_session(visit)
    visit.keep_session(begun.session_token, begun.expires_in)
    path = local_path(visit.form["next"])
    form = carried(visit.form["carried"], visit.visitor_secret)
    if form is None:
        return visit.go(path)
    await visit.begin(begun.session_token)
    if not is_theirs(visit, form):
        # Where it was to go is somebody else's, too.
        notice = N_("What somebody else had typed here before you was not kept.")
        return visit.go("/", notice=notice)
    why = gettext(
        "You are logged in again. This has not been sent yet: here is what you typed."
    )
    return give_back(visit, path, form, why=why)


async def _end_session(visit: Visit) -> bool:
    """End the browser's session; False: only here, for accounts doesn't answer."""
    if visit.session is None:
        return True
    try:
        await visit.portal.sessions.end(visit.session)
    except UpstreamAway:
        visit.portal.sessions.forget_session(visit.session.id)
        return False
    return True


async def _log_in(visit: Visit, email: str, password: str) -> BrowserSessionView | None:
    user_agent = visit.request.headers.get("User-Agent", "")
    try:
        return await visit.form.send(
            visit.portal.sessions.log_in(
                email, password, key=visit.form.key, user_agent=user_agent
            )
        )
    except Refused as refusal:
        if refusal.status != HTTPStatus.UNAUTHORIZED:
            raise
        visit.form.refuse(
            gettext("The e-mail or the password is wrong. Please try again.")
        )
        return None
