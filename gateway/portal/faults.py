"""The pages for what went wrong: each says what happened and how to go on."""

import json
from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

from chassis.client import UpstreamAway
from chassis.context import current_cause
from chassis.errors import DomainError, NotAllowed, NotAuthenticated, NotFound
from gateway.portal.forms import CSRF_FIELD, KEY_FIELD, Form
from gateway.portal.languages import gettext
from gateway.portal.refusals import explain_problem
from gateway.portal.visit import Visit, with_query
from gateway.services import Refused

#: What a form brings along besides what its sender typed.
_OURS = frozenset({CSRF_FIELD, KEY_FIELD})
#: Never given back in a page: they are asked for again.
_SECRETS = frozenset({"password", "current_password", "totp_code", "token"})
_MAXIMUM_CARRIED = 200_000


def page_of(visit: Visit, error: Exception) -> web.StreamResponse:
    """Return the page for what a view, or something before it, raised."""
    if isinstance(error, Refused):
        return _refused(visit, error)
    if isinstance(error, NotAuthenticated):
        return ask_to_log_in(visit)
    if isinstance(error, NotAllowed):
        return _not_allowed(visit)
    if isinstance(error, NotFound):
        return _not_found(visit)
    if isinstance(error, UpstreamAway):
        return _away(visit)
    if isinstance(error, DomainError):
        return _fault(
            visit,
            error.status,
            gettext("This couldn't be done"),
            gettext("Please go back and try it again."),
        )
    raise error


def _refused(visit: Visit, error: Refused) -> web.StreamResponse:
    if error.status == HTTPStatus.UNAUTHORIZED:
        if visit.session is not None:
            visit.portal.sessions.forget_session(visit.session.id)
        return ask_to_log_in(visit)
    if error.status == HTTPStatus.FORBIDDEN:
        return _not_allowed(visit)
    if error.status == HTTPStatus.NOT_FOUND:
        return _not_found(visit)
    return _fault(
        visit,
        error.status,
        gettext("This couldn't be done"),
        explain_problem(error.problem),
    )


def ask_to_log_in(visit: Visit) -> web.Response:
    """Lead to the log-in, and from there back; what was typed comes along."""
    if visit.request.method != "POST":
        return visit.go(with_query("/login", next=visit.path))
    return visit.render(
        "session/login.html",
        status=HTTPStatus.UNAUTHORIZED,
        form=Form.filled(next=visit.path, carried=carry(visit)),
        expired=True,
    )


def stale_form(visit: Visit) -> web.Response:
    """Give back a form that was opened before its sender logged in anew."""
    return give_back(visit, visit.path, visit.form.values)


def give_back(visit: Visit, path: str, values: Mapping[str, object]) -> web.Response:
    """Show what was typed, to be sent on to its page with one more press."""
    return visit.render(
        "session/returned.html",
        status=HTTPStatus.CONFLICT,
        path=path,
        fields=[
            (name, value)
            for name, typed in values.items()
            if name not in _OURS and isinstance(typed, list | tuple)
            for value in map(str, typed)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - JSON from a page
        ],
    )


def carry(visit: Visit) -> str | None:
    """Return the posted fields as text, for a page to hold during the log-in."""
    kept = {
        name: list(typed)
        for name, typed in visit.form.values.items()
        if name not in _OURS | _SECRETS
    }
    text = json.dumps(kept)
    return text if kept and len(text) <= _MAXIMUM_CARRIED else None


def broken(visit: Visit) -> web.Response:
    """Return the page for a fault of ours: what to tell support, and no more."""
    return _fault(
        visit,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        gettext("Something went wrong on our side"),
        gettext("We have noted it. Please try again; if it stays, write to us."),
    )


def _not_found(visit: Visit) -> web.Response:
    return _fault(
        visit,
        HTTPStatus.NOT_FOUND,
        gettext("There is nothing here"),
        gettext("The address may be mistyped, or what was here belongs to another."),
    )


def _not_allowed(visit: Visit) -> web.Response:
    return _fault(
        visit,
        HTTPStatus.FORBIDDEN,
        gettext("You may not do this"),
        gettext("Your access doesn't include this page."),
    )


def _away(visit: Visit) -> web.Response:
    response = _fault(
        visit,
        HTTPStatus.SERVICE_UNAVAILABLE,
        gettext("This part is taking a break"),
        gettext("It should be back in a moment. Nothing of yours is lost."),
    )
    response.headers["Retry-After"] = "5"
    return response


def _fault(visit: Visit, status: int, title: str, text: str) -> web.Response:
    return visit.render(
        "fault.html",
        status=status,
        title=title,
        text=text,
        request_id=current_cause().cause_id,
    )
