"""Browsers' sessions: a cookie's token, exchanged at accounts for an access token."""

import asyncio
import hmac
import re
from base64 import urlsafe_b64encode
from collections import OrderedDict, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from http import HTTPStatus
from typing import NamedTuple, TypeVar
from uuid import UUID

from pydantic import BaseModel

from chassis.client import UpstreamAway
from chassis.errors import NotAuthenticated
from chassis.principal import Principal
from chassis.tokens import TokenVerifier
from contracts.api.accounts import BrowserSessionInUseView, BrowserSessionView, MeView
from gateway.services import Refused, Services, read

#: What is left of an access token's time must do for the calls of a page.
SPARE_SECONDS = 30.0
MAXIMUM_KEPT = 10_000

_PATH = "/internal/browser-sessions"
#: What accounts makes: 256 random bits. Anything else isn't worth a question.
_TOKEN = re.compile(r"[0-9A-Za-z_-]{43}", re.ASCII)
_OVER = (HTTPStatus.UNAUTHORIZED, HTTPStatus.NOT_FOUND)

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSession:
    """A browser's session while it is in use."""

    id: UUID
    #: Never to leave this process: neither in a page, a cookie nor a log.
    access_token: str = field(repr=False)
    principal: Principal
    me: MeView
    csrf_token: str = field(repr=False)


class BrowserSessions:
    """Exchanges browsers' session tokens for access tokens, and keeps those in memory.

    So a session costs accounts one call in four and a half minutes. What ends or
    changes meanwhile is to be forgotten here, as the events tell it.
    """

    def __init__(self, services: Services, verifier: TokenVerifier) -> None:
        self._services = services
        self._verifier = verifier
        self._kept = _Kept()
        self._exchanges: dict[_Key, _Exchange] = {}

    async def log_in(
        self, email: str, password: str, *, key: str, user_agent: str
    ) -> BrowserSessionView:
        """Return a new session's token, or raise Refused as accounts does.

        With the same `key` at once, as by a double click, it is the same session.
        """
        body = {"email": email, "password": password}
        return await self._ask("", body, BrowserSessionView, user_agent, key=key)

    async def open(
        self, token: str, *, user_agent: str, is_use: bool = True
    ) -> OpenSession | None:
        """Return the session; None if there is none, or no longer.

        Without `is_use` it lives no longer for that it was opened. Raises UpstreamAway
        if accounts, which alone knows, doesn't answer.
        """
        if not _TOKEN.fullmatch(token):
            return None
        key = _Key(sha256(token.encode()).digest(), is_use)
        kept = self._kept.find(key)
        if kept is not None:
            return kept
        exchange = self._exchanges.get(key)
        if exchange is None:
            exchange = self._begin(key, token, user_agent)
        # Shielded: others may be waiting for it when this request is given up.
        return await asyncio.shield(exchange.task)

    def known(self, token: str) -> OpenSession | None:
        """Return the session if it is kept here, as after its last page."""
        return self._kept.find(_Key(sha256(token.encode()).digest(), is_use=False))

    async def end(self, session: OpenSession) -> None:
        """Log out; a session that is over already is none the worse."""
        headers = {"Authorization": f"Bearer {session.access_token}"}
        try:
            await self._services.ask("DELETE", "/sessions/current", headers=headers)
        except Refused as refused:
            if refused.status not in _OVER:
                raise
        self.note_ended(session.id)

    def note_ended(self, session_id: UUID) -> None:
        """Let nobody go on with this session, whatever is being answered about it."""
        self._forget(session_id)
        for exchange in self._exchanges.values():
            exchange.ended.add(session_id)

    def forget_session(self, session_id: UUID) -> None:
        """Let the session's next request ask anew whether it lives, and whose it is."""
        self._forget(session_id)

    def forget_customer(self, customer_id: UUID) -> None:
        """Let the next requests of the customer's people ask anew who they are."""
        self._forget(customer_id)

    def forget_user(self, user_id: UUID) -> None:
        """Let the person's next request ask anew who they are, and what they may."""
        self._forget(user_id)

    def forget_all(self) -> None:
        """Let everybody's next request ask anew: nobody knows what was missed."""
        self._kept = _Kept()
        for exchange in self._exchanges.values():
            exchange.is_stale = True

    def _forget(self, id_: UUID) -> None:
        self._kept.forget(id_)
        # An answer under way may be older than what is told now.
        for exchange in self._exchanges.values():
            exchange.forgotten.add(id_)

    def _begin(self, key: "_Key", token: str, user_agent: str) -> "_Exchange":
        """Ask accounts, once for all who open this session meanwhile."""
        answer = self._exchange(key, token, user_agent)
        task = asyncio.create_task(answer, name="open session")
        task.add_done_callback(lambda _: self._exchanges.pop(key))
        self._exchanges[key] = _Exchange(task)
        return self._exchanges[key]

    async def _exchange(
        self, key: "_Key", token: str, user_agent: str
    ) -> OpenSession | None:
        asked_at = asyncio.get_running_loop().time()
        body: dict[str, object] = {"session_token": token}
        if not key.is_use:
            body["is_use"] = False
        try:
            in_use = await self._ask(
                "/exchange", body, BrowserSessionInUseView, user_agent
            )
        except Refused as refused:
            if refused.status == HTTPStatus.UNAUTHORIZED:
                return None
            raise
        session = await self._opened(token, in_use)
        exchange = self._exchanges[key]
        if session.id in exchange.ended:
            return None
        if not (exchange.is_stale or exchange.forgotten & _ids_of(session)):
            until = asked_at + in_use.expires_in - SPARE_SECONDS
            self._kept.keep(key, session, until=until)
        return session

    async def _opened(self, token: str, in_use: BrowserSessionInUseView) -> OpenSession:
        try:
            principal = await self._verifier.verify(in_use.access_token)
        except NotAuthenticated as error:
            # Accounts' newest key hasn't come here yet: no fault of the session's.
            raise UpstreamAway from error
        return OpenSession(
            id=in_use.session_id,
            access_token=in_use.access_token,
            principal=principal,
            me=in_use.me,
            csrf_token=csrf_token_of(token),
        )

    async def _ask(
        self,
        path: str,
        body: Mapping[str, object],
        model: type[M],
        user_agent: str,
        *,
        key: str | None = None,
    ) -> M:
        headers = {"User-Agent": user_agent}
        if key is not None:
            headers["Idempotency-Key"] = key
        content = await self._services.ask(
            "POST", _PATH + path, headers=headers, body=body, service="accounts"
        )
        return read(content, model)


def csrf_token_of(secret: str) -> str:
    """Return what a form must bring back, to show that it comes from our own page.

    It follows from the session token, or before log-in from the visitor's, which other
    sites can't read: so nothing is kept, and every gateway agrees.
    """
    derived = hmac.digest(secret.encode(), b"csrf token", sha256)
    return urlsafe_b64encode(derived).rstrip(b"=").decode("ascii")


class _Key(NamedTuple):
    """A session's token by its hash, and whether it is opened by somebody's doing."""

    hash: bytes
    is_use: bool


@dataclass(slots=True)
class _Exchange:
    """A question to accounts, and what was forgotten since it was asked."""

    task: asyncio.Task[OpenSession | None]
    ended: set[UUID] = field(default_factory=set[UUID])
    forgotten: set[UUID] = field(default_factory=set[UUID])
    is_stale: bool = False


class _Kept:
    """Open sessions by their tokens' hashes; the longest unused makes room.

    What was opened by somebody's doing serves all; what wasn't, only its like, since
    accounts is to hear of the next use.
    """

    def __init__(self) -> None:
        self._sessions: OrderedDict[_Key, tuple[OpenSession, float]] = OrderedDict()
        #: The keys under which the sessions with one of these ids are kept.
        self._keys: defaultdict[UUID, set[_Key]] = defaultdict(set)

    def find(self, key: _Key) -> OpenSession | None:
        used = self._find(key._replace(is_use=True))
        return used or (None if key.is_use else self._find(key))

    def _find(self, key: _Key) -> OpenSession | None:
        session, until = self._sessions.get(key, (None, 0.0))
        if session is None:
            return None
        if until <= asyncio.get_running_loop().time():
            self._drop(key)
            return None
        self._sessions.move_to_end(key)
        return session

    def keep(self, key: _Key, session: OpenSession, *, until: float) -> None:
        self._sessions[key] = (session, until)
        for id_ in _ids_of(session):
            self._keys[id_].add(key)
        if len(self._sessions) > MAXIMUM_KEPT:
            self._drop(next(iter(self._sessions)))

    def forget(self, id_: UUID) -> None:
        for key in tuple(self._keys.get(id_, ())):
            self._drop(key)

    def _drop(self, key: _Key) -> None:
        session, _ = self._sessions.pop(key)
        for id_ in _ids_of(session):
            self._keys[id_].discard(key)
            if not self._keys[id_]:
                del self._keys[id_]


def _ids_of(session: OpenSession) -> set[UUID]:
    """Return the ids by which it may have to be forgotten: its own, and whose it is."""
    customer_id = session.principal.customer_id
    own = {session.id, session.principal.user_id}
    return own if customer_id is None else own | {customer_id}
