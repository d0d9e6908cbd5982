"""Pages: declared with who may see them, and led through the same checks.

In order: the session is opened, the policy asked, the form read and its origin proved;
only then does the view run. What goes wrong becomes a page of its own.
"""

import hmac
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Concatenate, ParamSpec
from uuid import UUID

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from chassis.client import UpstreamAway
from chassis.context import acting_as, current_cause
from chassis.errors import (
    DomainError,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    Unreadable,
)
from chassis.http import UploadedFile
from chassis.http.policies import Policy
from chassis.http.reader import readable_headers
from gateway.patience import patience
from gateway.portal import faults
from gateway.portal.assets import PREFIX as ASSETS
from gateway.portal.forms import CSRF_FIELD, Form, SentFile
from gateway.portal.languages import choose, speak
from gateway.portal.lastpage import last_page
from gateway.portal.reading import Take, read_form
from gateway.portal.returned import is_of_site
from gateway.portal.visit import Portal, Visit
from gateway.services import Refused

P = ParamSpec("P")
View = Callable[Concatenate[Visit, P], Awaitable[web.StreamResponse]]
TakeFile = Callable[[Visit, UploadedFile, str], Awaitable[SentFile]]

#: A part of a path that is an id; anything else there is no page of ours.
_ID = "[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"

#: Sent by a live region when it asks for itself anew (components.html, `live`).
LOOKS_BY_ITSELF = "Live-Region"
LOG_IN = "/login"
#: What clients ask rather than people.
NOT_PAGES = ("/api/", ASSETS, "/health/", "/metrics", "/openapi.json", "/.well-known/")

log = structlog.get_logger("portal")


@dataclass(frozen=True, slots=True)
class PageRoute:
    """One page: its address, who may see it, and the view that makes it."""

    method: str
    path: str
    policy: Policy
    view: Callable[..., Awaitable[web.StreamResponse]]
    #: Takes over each file of its form; without it, files go nowhere.
    take: TakeFile | None = None
    #: Whether somebody did something to come here; else their session isn't in use.
    is_use: bool = True


class Pages:
    """A group of pages; sum them up in app.py."""

    def __init__(self) -> None:
        self._routes: list[PageRoute] = []

    def __iter__(self) -> Iterator[PageRoute]:
        return iter(self._routes)

    def get(
        self, path: str, *, policy: Policy, is_use: bool = True
    ) -> Callable[[View[P]], View[P]]:
        return self._declare("GET", path, policy, None, is_use=is_use)

    def post(
        self, path: str, *, policy: Policy, take: TakeFile | None = None
    ) -> Callable[[View[P]], View[P]]:
        return self._declare("POST", path, policy, take)

    def any(self, path: str, *, policy: Policy) -> Callable[[View[P]], View[P]]:
        """Take every method: for what does nothing, whoever asks for it and how."""
        return self._declare("*", path, policy, None)

    def _declare(
        self,
        method: str,
        path: str,
        policy: Policy,
        take: TakeFile | None,
        *,
        is_use: bool = True,
    ) -> Callable[[View[P]], View[P]]:
        def declare(view: View[P]) -> View[P]:
            route = PageRoute(method, path, policy, view, take, is_use)
            self._routes.append(route)
            return view

        return declare


def add_pages(app: web.Application, portal: Portal, *groups: Pages) -> None:
    """Serve the pages; `{…_id}` in a path is an id, anything else a word."""
    for route in (route for group in groups for route in group):
        path = route.path.replace("_id}", f"_id:{_ID}}}")
        app.router.add_route(route.method, path, _handler(route, portal))
        if route.method == "GET":
            app.router.add_route("HEAD", path, _handler(route, portal))


def add_faults(app: web.Application, portal: Portal) -> None:
    """Let what is refused before any page is reached be told as a page, too."""

    @web.middleware
    async def tell(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not _is_page(request.path):
            return await handler(request)
        return await _safely(partial(_told, handler, portal), request)

    # Around what looks at headers: those that can't be read are told here, too.
    app.middlewares.insert(app.middlewares.index(readable_headers), tell)


async def _told(
    handler: Handler, portal: Portal, request: web.Request
) -> web.StreamResponse:
    try:
        return await handler(request)
    except Unreadable:
        # Of headers: a page that goes by them, in whatever language, can't be made.
        return last_page(Unreadable.status, current_cause().cause_id)
    except DomainError as error:
        visit, _ = _arrival(request, portal)
        return faults.page_of(visit, error)


async def _safely(handle: Handler, request: web.Request) -> web.StreamResponse:
    """Answer with a page even where making the page for a fault fails, too."""
    try:
        return await handle(request)
    except (web.HTTPException, ConnectionResetError):
        raise
    except Exception:
        log.exception("no page could be made", path=request.path)
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        return last_page(status, current_cause().cause_id)


def _is_page(path: str) -> bool:
    return not path.startswith(NOT_PAGES)


def _handler(
    route: PageRoute, portal: Portal
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        visit, chosen = _arrival(request, portal)
        try:
            visit = await _open(route, visit, chosen)
            return await _run(route, visit)
        except (Refused, DomainError) as error:
            return faults.page_of(visit, error)
        except web.HTTPException as error:
            if error.status < HTTPStatus.BAD_REQUEST:
                raise
            return faults.page_of(visit, error)
        except ConnectionResetError:
            raise
        except Exception:
            log.exception("page failed", path=route.path)
            return faults.broken(visit)

    return handle


def _arrival(request: web.Request, portal: Portal) -> tuple[Visit, str | None]:
    """Return the visit as of a visitor, and the language that was chosen here."""
    chosen = portal.cookies.read(request, "language")
    speak(choose(chosen, None, request.headers.get("Accept-Language", "")))
    return Visit(request, portal, None), chosen


async def _open(route: PageRoute, visit: Visit, chosen: str | None) -> Visit:
    """Return the visit with its session, if the browser holds one that still lives."""
    request, portal = visit.request, visit.portal
    # A part of a page that looks after itself would keep its session alive for ever.
    is_use = route.is_use and LOOKS_BY_ITSELF not in request.headers
    token = portal.cookies.read(request, "session")
    if not token:
        return visit
    try:
        user_agent = request.headers.get("User-Agent", "")
        session = await portal.sessions.open(
            token, user_agent=user_agent, is_use=is_use
        )
    except UpstreamAway:
        if request.method == "POST":
            # Whoever it is from: what was typed is given back.
            visit.form = await _read(route, visit, None)
        raise
    if session is None:
        return visit
    acting_as(session.principal.actor)
    accepted = request.headers.get("Accept-Language", "")
    speak(choose(chosen, session.me.language, accepted))
    return Visit(request, portal, session)


async def _run(route: PageRoute, visit: Visit) -> web.StreamResponse:
    if route.method != "POST":
        route.policy.check(visit.principal)
        return await _view(route, visit)
    visit.form = await _read(route, visit, _taker(route, visit))
    await visit.go_on()
    route.policy.check(visit.principal)
    if not _proves_origin(visit, visit.form):
        return faults.stale_form(visit)
    return await _view(route, visit)


async def _view(route: PageRoute, visit: Visit) -> web.StreamResponse:
    """Let the view make the page: all that it asks the services shares one time."""
    with patience(visit.portal.settings.page_timeout_seconds):
        return await route.view(visit, **_arguments(visit.request))


async def _read(route: PageRoute, visit: Visit, take: Take | None) -> Form:
    check_origin(visit.request, visit.portal.settings.public_url)
    return await read_form(visit.request, take, has_files=route.take is not None)


def _taker(route: PageRoute, visit: Visit) -> Take | None:
    """Return what takes the form's files: nothing does from those who may not send."""
    take_file = route.take
    if take_file is None:
        return None
    try:
        route.policy.check(visit.principal)
    except (NotAuthenticated, NotAllowed):
        return None

    async def take(file: UploadedFile, until_now: Form) -> SentFile:
        if not _proves_origin(visit, until_now):
            return SentFile(file.name)
        await visit.go_on()
        return await take_file(visit, file, until_now.key)

    return take


def _arguments(request: web.Request) -> dict[str, UUID | str]:
    return {
        name: UUID(value) if name.endswith("_id") else value
        for name, value in request.match_info.items()
    }


def check_origin(request: web.Request, public_url: str) -> None:
    """Raise ForeignForm if the browser says that another site sent the form."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        if site not in ("same-origin", "none"):
            raise faults.ForeignForm
        return
    origin = request.headers.get("Origin")
    if origin is not None and not is_of_site(origin, public_url):
        raise faults.ForeignForm


def _proves_origin(visit: Visit, form: Form) -> bool:
    if _brings(form, visit.csrf_token):
        return True
    # A log-in's page is a visitor's. This process may still hold a session that another
    # one knows to be over: what the log-in carries must not be lost by that.
    is_carrying = visit.request.path == LOG_IN and bool(form["carried"])
    return is_carrying and _brings(form, visit.visitor_csrf_token)


def _brings(form: Form, token: str) -> bool:
    return hmac.compare_digest(form[CSRF_FIELD].encode(), token.encode())


class NoSuchPage(NotFound):
    """There is no page at this address."""


async def show_no_page(_visit: Visit, **_names: str) -> web.Response:
    """Answer an address that has no page."""
    raise NoSuchPage
