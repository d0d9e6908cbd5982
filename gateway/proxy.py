"""The reverse proxy: passes a call to the service that owns its path, and back."""

from collections.abc import AsyncIterator

from aiohttp import ClientError, ClientResponse, web
from multidict import CIMultiDict

from chassis.client import carried_headers
from chassis.context import acting_as
from chassis.errors import NotAuthenticated, NotFound, Unavailable
from chassis.http import authenticate, too_large
from chassis.http.reader import read_body
from chassis.tokens import TokenVerifier
from gateway.prefixes import SLOW_PATHS, is_partly_open, owner_of
from gateway.settings import Settings
from gateway.upstream import CHUNK_BYTES, Sending, Upstream, is_streamed

#: A file of 10 MiB, and the multipart wrapping around it.
MAXIMUM_UPLOAD_BYTES = 10 * 1024 * 1024 + 64 * 1024

#: What a client says that a service needs to hear; everything else stays outside.
REQUEST_HEADERS = (
    "Accept",
    "Accept-Language",
    "Authorization",
    "Content-Encoding",
    "Content-Type",
    "Idempotency-Key",
    "User-Agent",
)
#: What a service says that isn't about the connection between it and us.
ANSWER_HEADERS = (
    "Allow",
    "Cache-Control",
    "Content-Disposition",
    "Content-Language",
    "Content-Type",
    "Location",
    "Retry-After",
    "Vary",
    "WWW-Authenticate",
)


class NoSuchPath(NotFound):
    """There is nothing at this address."""


class Proxy:
    """Passes calls on; a bad token goes no further, unless something there is open."""

    def __init__(
        self, settings: Settings, upstream: Upstream, verifier: TokenVerifier
    ) -> None:
        self._upstream = upstream
        self._verifier = verifier
        self._seconds = settings.service_timeout_seconds

    async def forward(self, request: web.Request) -> web.StreamResponse:
        """Pass the request on, body and all, and stream the answer back."""
        path = request.match_info["path"]
        owner = owner_of(path)
        if owner is None:
            raise NoSuchPath
        await self._check_token(request, path)
        headers, body = _headers(request), await _body(request)
        if request.content_length is not None and not isinstance(body, bytes):
            headers["Content-Length"] = str(request.content_length)
        sending = Sending(
            method=request.method,
            headers=headers,
            total_seconds=SLOW_PATHS.get(path, self._seconds),
            body=lambda: body,
            has_arrived=request.content.is_eof,
        )
        # Not `raw_path`: a target may lawfully be a whole URL.
        target = request.rel_url.raw_path_qs
        async with self._upstream.call(owner, target, sending) as answer:
            return await _answer(request, answer)

    async def _check_token(self, request: web.Request, path: str) -> None:
        try:
            principal = await authenticate(request, self._verifier)
        except (NotAuthenticated, Unavailable):
            # A stale token must not keep anybody from what is open to all, least of
            # all from a new one; which part of it is open, only its service knows.
            if is_partly_open(path):
                return
            raise
        if principal is not None:
            acting_as(principal.actor)


def _headers(request: web.Request) -> CIMultiDict[str]:
    headers = CIMultiDict(carried_headers())
    for name in REQUEST_HEADERS:
        for value in request.headers.getall(name, ()):
            headers.add(name, value)
    return headers


async def _body(request: web.Request) -> bytes | AsyncIterator[bytes] | None:
    """Return a small body whole: who sends it slowly keeps no service waiting."""
    if not request.can_read_body:
        return None
    if request.content_type != "multipart/form-data":
        return await read_body(request)
    if (request.content_length or 0) > MAXIMUM_UPLOAD_BYTES:
        raise too_large(MAXIMUM_UPLOAD_BYTES)
    return _bounded(request, MAXIMUM_UPLOAD_BYTES)


async def _bounded(request: web.Request, limit: int) -> AsyncIterator[bytes]:
    """Stream the body; one that hides its size ends at the limit all the same."""
    size = 0
    async for chunk in request.content.iter_chunked(CHUNK_BYTES):
        size += len(chunk)
        if size > limit:
            raise too_large(limit)
        yield chunk


async def _answer(request: web.Request, answer: ClientResponse) -> web.StreamResponse:
    headers = CIMultiDict(
        (name, value)
        for name in ANSWER_HEADERS
        for value in answer.headers.getall(name, ())
    )
    if not is_streamed(answer):
        body = await answer.read()
        return web.Response(status=answer.status, body=body, headers=headers)
    response = web.StreamResponse(status=answer.status, headers=headers)
    response.content_length = answer.content_length
    await response.prepare(request)
    try:
        async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
            await response.write(chunk)
    except (ClientError, TimeoutError) as error:
        # The status is sent already: a cut connection tells that the rest is missing.
        raise ConnectionResetError from error
    await response.write_eof()
    return response
