"""Flood limits: how much one address may ask of this gateway in a minute."""

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from chassis.context import current_cause
from chassis.errors import TooManyRequests
from gateway.settings import Settings


class AddressTooBusy(TooManyRequests):
    """Too many requests came from this address; wait a moment."""


def flood_limit(settings: Settings) -> Middleware:
    """Return the middleware; health and metrics are never limited."""
    limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
    allowed = RateLimitItemPerMinute(
        settings.requests_per_minute * settings.address_limit_factor
    )

    @web.middleware
    async def limit(request: web.Request, handler: Handler) -> web.StreamResponse:
        address = current_cause().address or "unknown"
        if request.path.startswith("/api/") and not await limiter.hit(allowed, address):
            raise AddressTooBusy(
                "an address may ask {limit} times a minute",
                limit=allowed.amount,
                retry_after_seconds=5,
            )
        return await handler(request)

    return limit
