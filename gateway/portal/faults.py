"""The pages for what went wrong: each says what happened and how to go on."""

from collections.abc import Sequence
from http import HTTPStatus

from aiohttp import web

from chassis.client import UpstreamAway
from chassis.context import current_cause
from chassis.errors import (
    DomainError,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    TooLarge,
    TooManyRequests,
    Unavailable,
    Unreadable,
)
from gateway.limits import SessionTooBusy
from gateway.portal.carrying import carry
from gateway.portal.formats import file_size
from gateway.portal.forms import USER_FIELD, Form
from gateway.portal.languages import N_, gettext
from gateway.portal.refusals import explain_refusal, when_again
from gateway.portal.returned import (
    give_back,
    has_typed,
    is_theirs,
    local_path,
    page_before,
)
from gateway.portal.visit import Visit, with_query
from gateway.services import Refused

AWAY_SECONDS = 5
EVENT_STREAM = "text/event-stream"
#: Whoever is logged in has no more use for what these send.
_ENTRANCES = ("/login", "/register")


class ForeignForm(NotAllowed):
    """The form was sent from another site."""


#: What pages say of an error; the first kind that it is of.
_WORDS: Sequence[tuple[type[DomainError], str, str]] = (
    (
        ForeignForm,
        N_("This came from another site"),
        N_(
            "Nothing has been done. If you wanted it, open the page here and do it "
            "from there."
        ),
    ),
    (
        NotAllowed,
        N_("You don't have access to this"),
        N_("What you may see and do here doesn't include it."),
    ),
    (
        NotFound,
        N_("Page not found"),
        N_("The address may be mistyped, or the page belongs to another account."),
    ),
    (
        SessionTooBusy,
        N_("One moment, please"),
        N_("Very many requests came from your browser."),
    ),
    (
        TooManyRequests,
        N_("One moment, please"),
        N_("Very many requests came from your network."),
    ),
    (
        Unreadable,
        N_("We couldn't read this form"),
        N_(
            "It arrived incomplete, or with characters that can't be stored, so "
            "nothing has been done. Go back with your browser, and send it again."
        ),
    ),
    (
        DomainError,
        N_("This couldn't be done"),
        N_("Please go back and try it again."),
    ),
)
#: What the server itself refuses, by its status.
_OF_SERVER = {
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.METHOD_NOT_ALLOWED: NotFound,
}


def page_of(visit: Visit, error: Exception) -> web.StreamResponse:
    """Return the page for what a view, or something before it, raised."""
    if isinstance(error, Refused):
        return _refused(visit, error)
    if isinstance(error, NotAuthenticated):
        return ask_to_log_in(visit)
    if isinstance(error, UpstreamAway):
        return _away(visit)
    if isinstance(error, TooLarge):
        return _too_large(visit, error)
    if isinstance(error, DomainError):
        return _of_kind(visit, type(error), error.status, _seconds_of(error))
    if isinstance(error, web.HTTPException):
        kind = _OF_SERVER.get(HTTPStatus(error.status), DomainError)
        return _of_kind(visit, kind, error.status)
    raise error


def ask_to_log_in(visit: Visit) -> web.Response:
    """Lead to the log-in, and from there back; what was typed comes along."""
    if visit.session is not None:
        # A service knows better than what is kept here.
        visit.portal.sessions.forget_session(visit.session.id)
        visit.session = None
    if visit.request.method != "POST":
        return _lead_to_log_in(visit)
    carried = _carried_along(visit)
    path = visit.path if carried else page_before(visit)
    form = Form.filled(next=path, carried=carried)
    form.status = HTTPStatus.UNAUTHORIZED
    return show_log_in(visit, form, expired=True)


def show_log_in(visit: Visit, form: Form, *, expired: bool = False) -> web.Response:
    """Show the log-in; `expired` tells that there was a session until now.

    Its page is a visitor's, and proves with a visitor's token what is sent from it:
    every gateway takes that, whichever session it still holds.
    """
    visit.session = None
    return visit.render(
        "session/login.html", status=form.status, form=form, expired=expired
    )


def stale_form(visit: Visit) -> web.Response:
    """Answer a form that doesn't prove to be of this session: nothing was done."""
    path = visit.request.path
    if visit.session is not None and path in _ENTRANCES:
        return visit.go(local_path(visit.form["next"]))
    if visit.session is None and path == "/logout":
        return visit.go("/login")
    if path == "/login":
        visit.form.refuse(_why_stale(visit))
        visit.form.status = HTTPStatus.CONFLICT
        return show_log_in(visit, visit.form)
    if has_typed(visit.form):
        return _given_back_stale(visit)
    return _fault(
        visit,
        HTTPStatus.CONFLICT,
        gettext("Please press the button again"),
        _why_stale(visit),
        back=page_before(visit),
    )


def broken(visit: Visit) -> web.Response:
    """Return the page for a fault of ours: what to tell support, and no more."""
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    why = gettext(
        "We have noted it. Please try again; if it keeps happening, contact us."
    )
    if has_typed(visit.form):
        return _give_back_as_it_came(visit, status, why)
    return _fault(visit, status, gettext("Something went wrong on our side"), why)


def _carried_along(visit: Visit) -> str | None:
    """Return the form for the log-in to hold, if that says whose it is."""
    form = visit.form
    if not form[USER_FIELD] or not has_typed(form):
        return None
    return carry(form, visit.visitor_secret)


def _given_back_stale(visit: Visit) -> web.Response:
    """Give the form back to whoever typed it, and to nobody else.

    Pages of the release before don't say whose they are: what their forms bring is
    shown to whoever sent it just now.
    """
    is_unmarked = USER_FIELD not in visit.form.values
    if is_unmarked or is_theirs(visit, visit.form):
        return give_back(visit, visit.path, visit.form, why=_why_stale(visit))
    return _fault(
        visit,
        HTTPStatus.CONFLICT,
        gettext("Somebody else had opened that page"),
        gettext(
            "It was opened by somebody who is no longer logged in here. Nothing has "
            "been done, and what was typed there was not kept."
        ),
    )


def _refused(visit: Visit, error: Refused) -> web.StreamResponse:
    if error.status == HTTPStatus.UNAUTHORIZED:
        return ask_to_log_in(visit)
    if error.status == HTTPStatus.FORBIDDEN:
        return _of_kind(visit, NotAllowed, error.status)
    if error.status == HTTPStatus.NOT_FOUND:
        return _of_kind(visit, NotFound, error.status)
    if error.still_running:
        return _still_running(visit, error)
    response = _fault(
        visit,
        error.status,
        gettext("This couldn't be done"),
        explain_refusal(error),
        **_way_on(visit),
    )
    return _with_wait(response, error.retry_after)


def _still_running(visit: Visit, error: Refused) -> web.Response:
    """Let the same form, with the same key, ask what has become of it."""
    why = gettext(
        "What you sent has arrived, and we are working on it. Nothing is done twice: "
        "we look again in a moment. If this page stays, press the button."
    )
    response = give_back(
        visit,
        visit.path,
        visit.form,
        why=why,
        status=error.status,
        as_it_came=True,
        still_running=True,
    )
    return _with_wait(response, error.retry_after)


def _of_kind(
    visit: Visit, kind: type[DomainError], status: int, seconds: int | None = None
) -> web.Response:
    title, text = next(
        (title, text) for known, title, text in _WORDS if issubclass(kind, known)
    )
    when = f" {when_again(seconds)}" if seconds else ""
    response = _fault(visit, status, gettext(title), gettext(text) + when)
    return _with_wait(response, seconds)


def _too_large(visit: Visit, error: TooLarge) -> web.Response:
    limit = error.text.values["limit"]
    text = gettext(
        "What you sent is larger than %(limit)s, the most that this page takes, so "
        "nothing has been done. Go back with your browser, and send less."
    )
    shown = {"limit": file_size(limit) if isinstance(limit, int) else limit}
    return _fault(visit, error.status, gettext("This is too large"), text % shown)


def _seconds_of(error: DomainError) -> int | None:
    """Return how long to wait before it is tried again, if the error says that."""
    is_passing = isinstance(error, TooManyRequests | Unavailable)
    return error.retry_after_seconds if is_passing else None


def _with_wait(response: web.Response, seconds: int | None) -> web.Response:
    if seconds is not None:
        response.headers["Retry-After"] = str(seconds)
    return response


def _lead_to_log_in(visit: Visit) -> web.Response:
    log_in = with_query("/login", next=visit.path)
    if visit.request.headers.get("Accept") == EVENT_STREAM:
        # There is nothing to listen to, and that is no fault.
        return visit.finish(web.Response(status=HTTPStatus.NO_CONTENT))
    if "HX-Request" not in visit.request.headers:
        return visit.go(log_in)
    response = _fault(
        visit,
        HTTPStatus.UNAUTHORIZED,
        gettext("Your session has ended"),
        gettext("Please log in again."),
    )
    # A part that looks after itself stays as it is, and so does what is typed beside
    # it; where somebody asked for more than the page shows, the log-in comes first.
    if visit.path != _page_shown(visit):
        response.headers["HX-Redirect"] = log_in
    return response


def _page_shown(visit: Visit) -> str:
    """Return the address of the page that asks for a part of itself."""
    _, _, rest = visit.request.headers.get("HX-Current-URL", "").partition("://")
    return "/" + rest.partition("/")[2].partition("#")[0]


def _why_stale(visit: Visit) -> str:
    if visit.session is not None:
        return gettext(
            "You logged in again after that page was opened, so nothing has been done."
        )
    return gettext(
        "That page was open for a very long time, or your browser keeps no cookies "
        "of ours, which this needs. Nothing has been done."
    )


def _away(visit: Visit) -> web.Response:
    status = HTTPStatus.SERVICE_UNAVAILABLE
    if has_typed(visit.form):
        # The page that couldn't be shown either may have found out more.
        why = " ".join(visit.form.general_faults()) or gettext(
            "We couldn't finish this right now. Nothing you typed is lost: please send "
            "it again in a moment."
        )
        response = _give_back_as_it_came(visit, status, why)
    else:
        text = gettext("It should be back in a moment. Nothing of yours is lost.")
        title = gettext("This isn't available right now")
        response = _fault(visit, status, title, text, **_try_again(visit))
    return _with_wait(response, AWAY_SECONDS)


def _give_back_as_it_came(visit: Visit, status: int, why: str) -> web.Response:
    return give_back(
        visit, visit.path, visit.form, why=why, status=status, as_it_came=True
    )


def _way_on(visit: Visit) -> dict[str, str]:
    """Lead to where it can be tried again: of a list's next part, to its start."""
    if visit.request.method == "POST" or "cursor" not in visit.query:
        return {"back": page_before(visit)}
    first = visit.request.rel_url.without_query_params("cursor")
    return {"back": str(first), "back_label": gettext("Show the list from its start")}


def _try_again(visit: Visit) -> dict[str, str]:
    if visit.request.method == "POST":
        return {"back": page_before(visit)}
    return {"back": visit.path, "back_label": gettext("Try again")}


def _fault(
    visit: Visit,
    status: int,
    title: str,
    text: str,
    *,
    back: str = "",
    back_label: str = "",
) -> web.Response:
    """Show the fault; `back` is the page from which to try it again."""
    return visit.render(
        "fault.html",
        status=status,
        title=title,
        text=text,
        back=back,
        back_label=back_label or gettext("Back to the page"),
        is_ours=status >= HTTPStatus.INTERNAL_SERVER_ERROR,
        request_id=current_cause().cause_id,
    )
