"""Headers that every answer of the front door carries."""

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from gateway.settings import Settings

API_POLICY = "default-src 'none'; frame-ancestors 'none'"
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)

_ALWAYS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_BY_TLS_ALONE = "max-age=31536000; includeSubDomains"

Signal = Callable[[web.Request, web.StreamResponse], Awaitable[None]]


def security_headers(settings: Settings) -> Signal:
    """Return the signal handler that adds them to whatever is about to be sent."""

    async def add(_request: web.Request, response: web.StreamResponse) -> None:
        add_security_headers(settings, response)

    return add


def add_security_headers(settings: Settings, response: web.StreamResponse) -> None:
    """Add them to an answer that no request of the application's is answered by."""
    is_page = response.content_type == "text/html"
    policy = PAGE_POLICY if is_page else API_POLICY
    response.headers.setdefault("Content-Security-Policy", policy)
    for name, value in _ALWAYS.items():
        response.headers.setdefault(name, value)
    if settings.public_url.startswith("https:"):
        response.headers.setdefault("Strict-Transport-Security", _BY_TLS_ALONE)
