"""A visit: one request for a page, with whom it is from and how they read."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from urllib.parse import quote, unquote, urlencode

import aiohttp_jinja2
from aiohttp import web

from chassis.http import Principal
from contracts.api.accounts import MeView
from gateway.dashboard import Dashboard
from gateway.portal.cookies import CHOICE_SECONDS, NOTICE_SECONDS, Cookies
from gateway.portal.forms import VISITOR, Form
from gateway.portal.languages import current_language, gettext
from gateway.services import Caller, Services
from gateway.sessions import BrowserSessions, OpenSession, csrf_token_of
from gateway.settings import Settings
from gateway.stream import Streams

#: Every page is somebody's own, and may hold a token.
NO_STORE = "no-store"


@dataclass(frozen=True, slots=True, kw_only=True)
class Portal:
    """What every page stands on."""

    settings: Settings
    services: Services
    sessions: BrowserSessions
    dashboard: Dashboard
    streams: Streams
    cookies: Cookies


class Visit:
    """One request for a page; `form` is what was posted, empty for a GET."""

    def __init__(
        self, request: web.Request, portal: Portal, session: OpenSession | None
    ) -> None:
        self.request = request
        self.portal = portal
        self.session = session
        self.form = Form()
        #: Known before anything is read: what changes after that, the page hears of.
        self.live_position = portal.streams.position
        self.api: Caller = self._caller()
        self._visitor = portal.cookies.read(request, "visitor")
        self._cookies: dict[str, tuple[str, int]] = {}
        self._told = ""

    @property
    def principal(self) -> Principal | None:
        return self.session.principal if self.session else None

    @property
    def me(self) -> MeView | None:
        return self.session.me if self.session else None

    @property
    def query(self) -> Mapping[str, str]:
        return self.request.query

    @property
    def path(self) -> str:
        """The page's own address with its query, for links that lead back to it."""
        return self.request.rel_url.raw_path_qs

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)

    @property
    def time_zone(self) -> str:
        own = self.me.time_zone if self.me else None
        return own or self.portal.settings.company_time_zone

    @property
    def csrf_token(self) -> str:
        """What a form of this page must bring back: it follows from a secret cookie."""
        if self.session is not None:
            return self.session.csrf_token
        return self.visitor_csrf_token

    @property
    def visitor_csrf_token(self) -> str:
        """What a form of a page brings back that was made for a visitor."""
        return csrf_token_of(self.visitor_secret)

    @property
    def visitor_secret(self) -> str:
        """What this browser alone knows, whoever sits at it; kept in a cookie."""
        if self._visitor is None:
            self._visitor = secrets.token_urlsafe(32)
            self._keep("visitor", self._visitor, CHOICE_SECONDS)
        return self._visitor

    @property
    def user_mark(self) -> str:
        """Whose a form of this page is."""
        principal = self.principal
        return str(principal.user_id) if principal else VISITOR

    @property
    def is_partial(self) -> bool:
        """Whether a script asks for a part of the page: what is shown once can wait."""
        return "HX-Request" in self.request.headers

    @property
    def notice(self) -> str:
        """What was just done, here or by the page before, or an empty text."""
        kept = None if self.is_partial else self.remembered("notice")
        told = self._told or (unquote(kept) if kept else "")
        return gettext(told) if told else ""

    def may(self, *permissions: str) -> bool:
        """Tell whether the person may do this: menus show nothing that is refused."""
        principal = self.principal
        return principal is not None and principal.permissions.issuperset(permissions)

    def tell(self, notice: str) -> None:
        """Say in this page what it did: an English text marked by N_."""
        self._told = notice

    def remember(self, name: str, value: str) -> None:
        """Keep a choice of the visitor's, such as the theme, in a cookie."""
        self._keep(name, value, CHOICE_SECONDS)

    def remembered(self, name: str) -> str | None:
        return self.portal.cookies.read(self.request, name)

    def render(
        self, template: str, *, status: int = HTTPStatus.OK, **values: object
    ) -> web.Response:
        """Return the page."""
        response = aiohttp_jinja2.render_template(
            template, self.request, {**values, "visit": self}, status=status
        )
        response.headers["Cache-Control"] = NO_STORE
        response.enable_compression()
        if self.notice:
            self.portal.cookies.drop(response, "notice")
        return self.finish(response)

    def go(self, path: str, *, notice: str | None = None) -> web.Response:
        """Lead on to another page, so that reloading it sends nothing again.

        `notice`, an English text marked by N_, is shown there once.
        """
        response = web.Response(
            status=HTTPStatus.SEE_OTHER,
            headers={"Location": path, "Cache-Control": NO_STORE},
        )
        if notice is not None:
            self._keep("notice", quote(notice), NOTICE_SECONDS)
        return self.finish(response)

    def finish(self, response: web.Response) -> web.Response:
        """Add the cookies that the page has set."""
        for name, (value, seconds) in self._cookies.items():
            self.portal.cookies.keep(response, name, value, seconds=seconds)
        return response

    def keep_session(self, token: str, seconds: int) -> None:
        """Let the browser hold a session; the one it held before is forgotten."""
        self._keep("session", token, seconds)

    async def begin(self, token: str) -> None:
        """Go on as the person whose session has just begun."""
        user_agent = self.request.headers.get("User-Agent", "")
        self.session = await self.portal.sessions.open(token, user_agent=user_agent)
        self.api = self._caller()

    async def go_on(self) -> None:
        """Look after the session: a form's files may take longer than a token lives."""
        token = self.portal.cookies.read(self.request, "session")
        if token and self.session is not None:
            await self.begin(token)

    def _caller(self) -> Caller:
        token = self.session.access_token if self.session else None
        return self.portal.services.caller(token, current_language())

    def _keep(self, name: str, value: str, seconds: int) -> None:
        self._cookies[name] = (value, seconds)


def with_query(path: str, **values: str | None) -> str:
    """Return a local address with a query, without what isn't given."""
    given = {name: value for name, value in values.items() if value}
    return f"{path}?{urlencode(given)}" if given else path


def in_path(text: str) -> str:
    """Return a text as one part of an address, whatever is in it."""
    return quote(text, safe="")
