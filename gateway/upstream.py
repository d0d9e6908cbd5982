"""The way to the services: bounded in time and number, and retried where that is safe.

Every call of the gateway's goes through here, whether a client's or a page's; what is
no answer of the service's own is UpstreamAway.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import InitVar, dataclass, field
from http import HTTPStatus

import structlog
from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    DummyCookieJar,
    TCPConnector,
)
from yarl import URL

from chassis import metrics
from chassis.client import UpstreamAway, client_middlewares
from chassis.errors import DomainError
from gateway.circuits import Circuit, CircuitState
from gateway.looks import Looks
from gateway.settings import Settings

CONNECT_SECONDS = 2.0
#: Shorter than a service that stops keeps idle connections open (DRAIN_SECONDS).
IDLE_SECONDS = 4.0
#: How long replicas that came or went may stay unnoticed.
BELIEVED_SECONDS = 2
#: After so many calls a service is reached anew, maybe at another of its replicas:
#: connections that are always in use would never lead to one that came later.
CALLS_A_CONNECTION = 50
#: How long to wait before the one retry; at random, so that not all come at once.
PAUSE_SECONDS = (0.05, 0.2)
#: Longer answers are passed on in pieces of this size.
CHUNK_BYTES = 64 * 1024

_SAFE = frozenset({"GET", "HEAD"})
_NOTHING_SENT = (ClientConnectorError, ConnectionTimeoutError)
#: Said by what stands before a service, unless it comes as a problem document.
_EDGE_FAULTS = frozenset(
    {
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
_PROBLEM = "application/problem+json"

log = structlog.get_logger("upstream")


def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """One call: what is sent, and how long it may take.

    `body` makes the body anew for each attempt. `total_seconds` end with the answer's
    last byte; `idle_seconds` between two of its bytes. `has_arrived` tells whether all
    of the body is here: while it comes from a client, the client may be what is slow.
    """

    method: str
    headers: Mapping[str, str]
    total_seconds: float | None = None
    idle_seconds: float | None = None
    body: Callable[[], object] | None = None
    has_arrived: Callable[[], bool] = _always

    @property
    def is_safe(self) -> bool:
        return self.method in _SAFE


@dataclass(slots=True)
class _Places:
    """How many may ask a service at once."""

    service: str
    free: int

    @contextmanager
    def taken(self) -> Generator[None]:
        """Take one of the places that there are, or raise UpstreamAway."""
        if not self.free:
            metrics.upstream_shed.labels(self.service).inc()
            raise UpstreamAway
        self.free -= 1
        try:
            yield
        finally:
            self.free += 1


@dataclass(slots=True)
class _Line:
    """One service: where it is, its circuit, and how many more may ask it.

    What is passed on as its client sends or reads it, however slowly, has places of
    its own: it keeps nobody else from asking.
    """

    name: str
    url: str
    places: InitVar[int]
    circuit: Circuit = field(init=False)
    calls: _Places = field(init=False)
    files: _Places = field(init=False)
    _asked: int = 0

    def __post_init__(self, places: int) -> None:
        self.circuit = Circuit(asyncio.get_running_loop().time, self._tell)
        self.calls, self.files = (_Places(self.name, places) for _ in range(2))
        for counter in (metrics.upstream_shed, metrics.upstream_retries):
            metrics.expect(counter, self.name)

    def connection_headers(self) -> Mapping[str, str]:
        """Return what the last call on a connection says of that."""
        self._asked += 1
        return {} if self._asked % CALLS_A_CONNECTION else {"Connection": "close"}

    def _tell(self, state: CircuitState) -> None:
        metrics.upstream_circuit.labels(self.name).set(state)
        if state is not CircuitState.CLOSED:
            log.warning("circuit", service=self.name, state=state.name.lower())


class Upstream:
    """The services, each behind a circuit and with a bound of its own."""

    def __init__(self, settings: Settings, session: ClientSession) -> None:
        self._session = session
        self._looks = Looks(session, settings.service_urls)
        self._lines = {
            name: _Line(name, url, settings.service_calls_at_once)
            for name, url in settings.service_urls.items()
        }

    @property
    def names(self) -> Sequence[str]:
        return tuple(self._lines)

    async def degraded(self) -> list[str]:
        """Return the services that have stopped answering: calls show it, or a look."""
        silent = await self._looks.silent()
        return [
            name
            for name, line in self._lines.items()
            if name in silent or line.circuit.state is not CircuitState.CLOSED
        ]

    @asynccontextmanager
    async def call(
        self, service: str, path: str, sending: Sending
    ) -> AsyncGenerator[ClientResponse]:
        """Yield the service's answer as it begins, or raise UpstreamAway.

        `path` is the raw path with its query. A fault while the answer is read in the
        block is UpstreamAway, too.
        """
        line = self._lines[service]
        with ExitStack() as place:
            places = line.calls if sending.has_arrived() else line.files
            place.enter_context(places.taken())
            try:
                async with await self._answer(line, path, sending) as answer:
                    # What had an effect is answered, whoever else reads slowly.
                    if sending.is_safe and is_streamed(answer):
                        place.close()
                        place.enter_context(line.files.taken())
                    yield answer
            except (ClientError, TimeoutError, _NoAnswer) as error:
                # What goes wrong while a body streams comes wrapped by the client.
                if isinstance(error.__cause__, DomainError):
                    raise error.__cause__ from None
                raise UpstreamAway from error

    async def _answer(self, line: _Line, path: str, sending: Sending) -> ClientResponse:
        started = asyncio.get_running_loop().time()
        try:
            return await self._attempt(line, path, sending, sending.total_seconds)
        except (ClientError, TimeoutError, _NoAnswer) as error:
            pause = random.uniform(*PAUSE_SECONDS)  # noqa: S311 - spreads load only
            spent = asyncio.get_running_loop().time() - started + pause
            left = _left(sending.total_seconds, spent)
            if not _is_retriable(error, sending) or (left is not None and left <= 0):
                raise
        metrics.upstream_retries.labels(line.name).inc()
        await asyncio.sleep(pause)
        return await self._attempt(line, path, sending, left)

    async def _attempt(
        self, line: _Line, path: str, sending: Sending, seconds: float | None
    ) -> ClientResponse:
        with line.circuit.call():
            try:
                answer = await self._session.request(
                    sending.method,
                    URL(line.url + path, encoded=True),
                    headers={**sending.headers, **line.connection_headers()},
                    data=sending.body() if sending.body else None,
                    timeout=ClientTimeout(
                        total=seconds,
                        sock_connect=CONNECT_SECONDS,
                        sock_read=sending.idle_seconds,
                    ),
                    allow_redirects=False,
                )
            except (ClientError, TimeoutError) as error:
                if isinstance(error, _NOTHING_SENT) or sending.has_arrived():
                    line.circuit.failed()
                raise
            if _is_edge_fault(answer):
                line.circuit.failed()
                answer.close()
                raise _NoAnswer
            line.circuit.answered()
            return answer


class _NoAnswer(Exception):
    """What stands before the service answered in its place."""


def is_streamed(answer: ClientResponse) -> bool:
    """Tell whether the answer is passed on as it is read, and not first read whole."""
    return answer.content_length is None or answer.content_length > CHUNK_BYTES


def _is_edge_fault(answer: ClientResponse) -> bool:
    return answer.status in _EDGE_FAULTS and answer.content_type != _PROBLEM


def _is_retriable(error: Exception, sending: Sending) -> bool:
    """Tell whether a second attempt does no harm: nothing was sent, or it reads."""
    if isinstance(error, _NOTHING_SENT):
        return True
    return sending.is_safe and isinstance(error, _NoAnswer)


def _left(total: float | None, spent: float) -> float | None:
    return None if total is None else total - spent


@asynccontextmanager
async def open_upstream(settings: Settings) -> AsyncGenerator[Upstream]:
    """Open the way to the services: it keeps no cookies."""
    async with ClientSession(
        # Each service has a bound of its own, so that none waits for another's places.
        connector=TCPConnector(
            limit=0,
            keepalive_timeout=IDLE_SECONDS,
            ttl_dns_cache=BELIEVED_SECONDS,
        ),
        cookie_jar=DummyCookieJar(),
        auto_decompress=False,
        middlewares=client_middlewares(),
    ) as session:
        yield Upstream(settings, session)
