"""Flood limits: how much one session, or an address, may ask of us in a minute.

Who is known to be signed in counts by their session, so that an office behind one
address doesn't share one limit. Known is what was found good before: to find out costs
accounts a call, or us a signature, and so counts by address, as visitors do.
"""

from collections.abc import Callable
from uuid import UUID

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from chassis.context import current_cause
from chassis.errors import TooManyRequests
from chassis.tokens import TokenVerifier
from gateway.portal.assets import PREFIX as ASSETS
from gateway.portal.visit import Portal
from gateway.settings import Settings

API = "/api/"
#: Orchestrators ask often.
_OBSERVED = ("/health/", "/metrics")
RETRY_SECONDS = 5


class AddressTooBusy(TooManyRequests):
    """Too many requests came from this address; wait a moment."""


class SessionTooBusy(TooManyRequests):
    """Too many requests came from this session; wait a moment."""


SessionOf = Callable[[web.Request], UUID | None]


def flood_limit(settings: Settings, session_of: SessionOf) -> Middleware:
    """Return the middleware: calls and pages count apart, each up to the limit."""
    limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
    allowed = RateLimitItemPerMinute(
        settings.requests_per_minute * settings.address_limit_factor
    )

    # A page brings a handful of assets along, once.
    free = (ASSETS,) if settings.observe_port else (ASSETS, *_OBSERVED)

    @web.middleware
    async def limit(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith(free):
            kind = "calls" if request.path.startswith(API) else "pages"
            session = session_of(request)
            whose = str(session or current_cause().address or "unknown")
            if not await limiter.hit(allowed, kind, whose):
                raise _too_busy(session, allowed.amount)
        return await handler(request)

    return limit


def _too_busy(session: UUID | None, limit: int) -> TooManyRequests:
    if session is None:
        return AddressTooBusy(
            "an address may ask {limit} times a minute",
            limit=limit,
            retry_after_seconds=RETRY_SECONDS,
        )
    return SessionTooBusy(
        "a session may ask {limit} times a minute",
        limit=limit,
        retry_after_seconds=RETRY_SECONDS,
    )


def session_known(portal: Portal, verifier: TokenVerifier) -> SessionOf:
    """Return what tells whose session a request is of: a browser's, or a token's."""

    def find(request: web.Request) -> UUID | None:
        if request.path.startswith(API):
            _, _, token = request.headers.get("Authorization", "").partition(" ")
            principal = verifier.known(token.strip())
            return principal and principal.session_id
        cookie = portal.cookies.read(request, "session")
        session = portal.sessions.known(cookie) if cookie else None
        return session and session.id

    return find
