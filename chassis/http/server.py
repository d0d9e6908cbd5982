"""The server: aiohttp's, with the time and connection limits that it lacks."""

import asyncio
import os
import re
import resource
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from typing import Any, cast

from aiohttp import hdrs, web
from aiohttp.web_protocol import RequestHandler

from chassis.http.problems import internal_error, plain_problem, respond

#: From a request's first byte, or the connection's start, to the end of its headers.
HEADER_SECONDS = 10.0
IDLE_SECONDS = 60.0
#: For the rest of a body that nobody wants, after the answer.
LINGER_SECONDS = 5.0
#: For a client to read some of what is waiting for it.
STALL_SECONDS = 30.0
SHUTDOWN_SECONDS = 20.0
#: After so long a connection ends with its next answer, so that a client's connections
#: come to be shared evenly by all replicas, new ones too.
CONNECTION_SECONDS = 60.0
DRAIN_POLL_SECONDS = 0.05
#: Rounds of the event loop from a connection's coming in to its being ours, and a few.
TAKING_STEPS = 5
#: For all that isn't a client's connection: pools, sockets of our own, files.
OTHER_FILES = 1000
BACKLOG = 512
#: Within so many bytes of a request it says what it accepts, if it is a browser's.
ACCEPT_BYTES = 32 * 1024
_ACCEPTS_PAGES = re.compile(rb"\r\naccept:[^\r\n]*text/html", re.IGNORECASE)

#: Makes the page that a browser is shown for a request which is no valid HTTP; without
#: it in the application, a problem document is the answer to all.
REFUSAL_PAGE: web.AppKey[Callable[[int], web.StreamResponse]] = web.AppKey(
    "refusal_page"
)


@asynccontextmanager
async def serving(
    app: web.Application,
    *,
    host: str,
    port: int,
    connections: int = 2000,
    drain_seconds: float = 0.0,
    setting: str = "HTTP_PORT",
) -> AsyncGenerator[int]:
    """Serve the application until the block ends; yields the port in use.

    At the end new connections are refused, those that are open may be used for another
    `drain_seconds`, and end with their next answer. A port in use ends the process with
    a line that names its `setting`.
    """
    _allow_files(connections + OTHER_FILES)
    leaving = _Leaving()
    app.on_response_prepare.append(leaving.tell)
    runner = _Runner(
        app,
        connections=connections,
        access_log=None,
        keepalive_timeout=IDLE_SECONDS,
        lingering_time=LINGER_SECONDS,
        auto_decompress=False,
        shutdown_timeout=SHUTDOWN_SECONDS,
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, backlog=BACKLOG)
        await _begin(site, host, port, setting)
        yield runner.addresses[0][1]
        leaving.now = True
        await _take_no_more(site)
        await site.stop()
        await _emptied(runner, within=drain_seconds)
    finally:
        await runner.cleanup()


@contextmanager
def calling_when_gone(
    request: web.BaseRequest, callback: Callable[[], None]
) -> Generator[None]:
    """Call back if the client goes away meanwhile.

    aiohttp lets a handler find out by itself, with the next thing that it writes.
    """
    connection = cast("_Connection", request.protocol)
    connection.when_gone = callback
    try:
        yield
    finally:
        connection.when_gone = None


async def _take_no_more(site: web.TCPSite) -> None:
    """Stop listening, and let those come in who are on the doorstep.

    A connection that is being taken while asyncio's server closes is never closed
    itself (Python 3.11): its client would wait for an answer until it gives up.
    """
    listening = site._server  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - aiohttp shows it nowhere
    loop = asyncio.get_running_loop()
    for door in listening.sockets if isinstance(listening, asyncio.Server) else ():
        loop.remove_reader(door.fileno())
    for _ in range(TAKING_STEPS):
        await asyncio.sleep(0)


class PortTaken(SystemExit):
    """The port can't be listened on; ends the process with one line."""


async def _begin(site: web.TCPSite, host: str, port: int, setting: str) -> None:
    try:
        await site.start()
    except OSError as fault:
        why = os.strerror(fault.errno or 0)
        raise PortTaken(
            f"port {port} of {host} can't be listened on: {why}; stop what uses it, or"
            f" set another {setting}"
        ) from None


class _Leaving:
    """Tells clients when a connection won't take another request."""

    def __init__(self) -> None:
        self.now = False

    async def tell(self, request: web.Request, response: web.StreamResponse) -> None:
        """Say so in the answer: who hears it sends no request into a closing door."""
        connection = request.protocol
        old = isinstance(connection, _Connection) and connection.is_old
        if self.now or old:
            response.force_close()
            response.headers[hdrs.CONNECTION] = "close"


async def _emptied(runner: web.AppRunner, *, within: float) -> None:
    """Wait until no client is connected: each leaves with its answer, or when idle."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within
    # aiohttp tells nobody when a connection ends.
    while (  # noqa: ASYNC110
        loop.time() < deadline and runner.server and runner.server.connections
    ):
        await asyncio.sleep(DRAIN_POLL_SECONDS)


class _Runner(web.AppRunner):
    """Makes our kind of server; aiohttp has no other way to choose the protocol."""

    def __init__(
        self, app: web.Application, *, connections: int, **options: Any
    ) -> None:
        super().__init__(app, **options)
        self._connections = connections

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return _Server(
            self._connections,
            self.app.get(REFUSAL_PAGE),
            made.request_handler,
            request_factory=made.request_factory,
            **self._kwargs,
        )


class _Server(web.Server):
    """Takes connections up to a limit; the next client may try again."""

    def __init__(
        self,
        limit: int,
        page: Callable[[int], web.StreamResponse] | None,
        *arguments: Any,
        **options: Any,
    ) -> None:
        super().__init__(*arguments, **options)
        self._limit = limit
        self._page = page

    def connection_made(
        self, handler: RequestHandler, transport: asyncio.Transport
    ) -> None:
        super().connection_made(handler, transport)
        if len(self._connections) > self._limit:
            transport.abort()

    def __call__(self) -> RequestHandler:
        return _Connection(self, self._page, loop=self._loop, **self._kwargs)


class _Connection(RequestHandler):
    """A client's connection: one that keeps us waiting too long is closed.

    aiohttp closes a connection that is idle between requests, but lets a client take
    any time to finish its headers, and to read its answer.
    """

    __slots__ = (
        "_accepts_page",
        "_born_at",
        "_header_timer",
        "_page",
        "_stall_timer",
        "_wire",
        "when_gone",
    )

    def __init__(
        self,
        manager: web.Server,
        page: Callable[[int], web.StreamResponse] | None,
        **options: Any,
    ) -> None:
        super().__init__(manager, **options)
        self._page = page
        self._accepts_page = False
        self._header_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None
        self.when_gone: Callable[[], None] | None = None
        self._born_at = self._loop.time()

    @property
    def is_old(self) -> bool:
        return self._loop.time() - self._born_at > CONNECTION_SECONDS

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        # `self.transport` is forgotten on closing, while its buffer is yet to be read.
        self._wire = cast("asyncio.WriteTransport", transport)
        self._start_timer()

    def data_received(self, data: bytes) -> None:
        if self._page is not None:
            self._note_accept(data)
        super().data_received(data)
        if self._awaits_headers():
            self._start_timer()
        else:
            self._header_timer = _cancelled(self._header_timer)

    def pause_writing(self) -> None:
        """Watch a client that reads less than there is for it."""
        super().pause_writing()
        self._watch_reader(before=None)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stall_timer = _cancelled(self._stall_timer)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._header_timer = _cancelled(self._header_timer)
        self._stall_timer = _cancelled(self._stall_timer)
        super().connection_lost(exc)
        if self.when_gone is not None:
            self.when_gone()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it quotes the client's bytes
    ) -> web.StreamResponse:
        """Answer what isn't HTTP, too: browsers with a page, all else with a problem.

        So people read what to do when their cookies have outgrown a header's line.
        """
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            self.log_exception("Error handling request", exc_info=exc)
            response = internal_error(request.rel_url.raw_path)
        elif self._page is not None and self._accepts_page:
            response = self._page(status)
        else:
            response = respond(plain_problem(status, "/", "this is not valid HTTP"))
        response.force_close()
        return response

    async def finish_response(
        self,
        request: web.BaseRequest,
        resp: web.StreamResponse,
        start_time: float | None,
    ) -> tuple[web.StreamResponse, bool]:
        """Answer an unknown `Expect`, too, with a problem: no middleware is asked."""
        if isinstance(resp, web.HTTPExpectationFailed):
            resp = respond(plain_problem(resp.status, request.rel_url.raw_path))
            resp.force_close()
        return await super().finish_response(request, resp, start_time)

    def _note_accept(self, data: bytes) -> None:
        """Note what a request accepts, in case that it turns out to be none.

        aiohttp gives up on such a request with all that it had read of it.
        """
        is_rest = self._header_timer is not None and self._accepts_page
        self._accepts_page = is_rest or bool(
            _ACCEPTS_PAGES.search(data, 0, ACCEPT_BYTES)
        )

    def _awaits_headers(self) -> bool:
        """Whether the task waits for a request, and none is complete yet."""
        return self._waiter is not None and not self._waiter.done()

    def _start_timer(self) -> None:
        if self._header_timer is None:
            self._header_timer = self._loop.call_later(HEADER_SECONDS, self.force_close)

    def _watch_reader(self, before: int | None) -> None:
        waiting = self._wire.get_write_buffer_size()
        if waiting == before:
            self._wire.abort()
        else:
            self._stall_timer = self._loop.call_later(
                STALL_SECONDS, self._watch_reader, waiting
            )


def _allow_files(wanted: int) -> None:
    """Let the process hold that many files open, as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if resource.RLIM_INFINITY not in (soft, hard):
        raised = (max(soft, min(wanted, hard)), hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, raised)


def _cancelled(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
