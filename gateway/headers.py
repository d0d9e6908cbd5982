"""Headers that every answer of the front door carries."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from gateway.settings import Settings

API_POLICY = "default-src 'none'; frame-ancestors 'none'"
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)

Signal = Callable[[web.Request, web.StreamResponse], Awaitable[None]]


def security_headers(settings: Settings) -> Signal:
    """Return the signal handler that adds them to whatever is about to be sent."""
    always = {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    if settings.public_url.startswith("https:"):
        always["Strict-Transport-Security"] = "max-age=31536000; includeSubDomains"

    async def add(_request: web.Request, response: web.StreamResponse) -> None:
        for name, value in always.items():
            response.headers.setdefault(name, value)
        is_page = response.content_type == "text/html"
        policy = PAGE_POLICY if is_page else API_POLICY
        response.headers.setdefault("Content-Security-Policy", policy)

    return add
