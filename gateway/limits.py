"""Flood limits: how much one address may ask of this gateway in a minute."""

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from chassis.context import current_cause
from chassis.errors import TooManyRequests
from gateway.portal.assets import PREFIX as ASSETS
from gateway.settings import Settings

API = "/api/"
#: Orchestrators ask often.
_OBSERVED = ("/health/", "/metrics")
RETRY_SECONDS = 5


class AddressTooBusy(TooManyRequests):
    """Too many requests came from this address; wait a moment."""


def flood_limit(settings: Settings) -> Middleware:
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
            address = current_cause().address or "unknown"
            kind = "calls" if request.path.startswith(API) else "pages"
            if not await limiter.hit(allowed, kind, address):
                raise AddressTooBusy(
                    "an address may ask {limit} times a minute",
                    limit=allowed.amount,
                    retry_after_seconds=RETRY_SECONDS,
                )
        return await handler(request)

    return limit
