"""Traces (W3C): each request, event and job run goes on with its caller's.

Where the environment names a collector (`OTEL_EXPORTER_OTLP_ENDPOINT`), each is a span
that is recorded and sent there; without one, nothing is recorded, and OpenTelemetry
isn't even imported. The trace's id goes on either way: logs and events tell it.

Spans never hold what people typed or who they are: no values of SQL, no addresses, no
tokens, no texts of errors.
"""

import os
import re
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Literal, Protocol

from chassis.context import Cause, because_of

HEADER = "traceparent"
#: Beside it, from the gateway to the services: which request, and whose.
REQUEST_ID = "X-Request-Id"
FORWARDED_FOR = "X-Forwarded-For"

_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}",
    re.ASCII,
)
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

Kind = Literal["server", "client", "producer", "consumer", "internal"]
Attributes = Mapping[str, str | int]


class Span(Protocol):
    """Something that is being done; attributes follow OpenTelemetry's names."""

    def set(self, name: str, value: str | int) -> None: ...

    def fail(self, reason: str) -> None:
        """Mark it as failed; `reason` is an error's class or a status, no text."""
        ...


class Recorder(Protocol):
    """What makes spans of what is done; `chassis.spans` has the one there is."""

    def traced(
        self, cause: Cause, name: str, kind: Kind, attributes: Attributes
    ) -> AbstractContextManager[Span]: ...

    def detail(
        self, name: str, kind: Kind, attributes: Attributes
    ) -> AbstractContextManager[tuple[Span, str]]:
        """Record a part of what the cause in force is doing; yields its traceparent."""
        ...

    def published(
        self, bodies: list[tuple[str, bytes, str | None]], *, seconds: float
    ) -> None:
        """Record that events were sent just now, which took so long."""
        ...


_recorder: Recorder | None = None


def recorder() -> Recorder | None:
    """Return what records spans; None where nobody wants them."""
    return _recorder


def traced(
    cause: Cause, name: str, kind: Kind, attributes: Attributes
) -> AbstractContextManager[Span]:
    """Let everything inside carry the cause, as a new span of its trace."""
    if _recorder is None:
        return _untraced(cause)
    return _recorder.traced(cause, name, kind, attributes)


@asynccontextmanager
async def recording(process: str) -> AsyncGenerator[None]:
    """Record spans while the block runs, if the environment says where to send them."""
    global _recorder  # noqa: PLW0603 - one per process, as all of OpenTelemetry is
    if not any(os.environ.get(name) for name in _ENDPOINTS):
        yield
        return
    from chassis.spans import exporting  # noqa: PLC0415 - costs nobody else its import

    async with exporting(process) as _recorder:
        try:
            yield
        finally:
            _recorder = None


def begin_trace() -> str:
    """Return the `traceparent` of a new, sampled trace."""
    return f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-01"


def readable(traceparent: str | None) -> str | None:
    """Return it if it is one."""
    return traceparent if _TRACEPARENT.fullmatch(traceparent or "") else None


class _Unrecorded:
    """A span that nobody looks at."""

    def set(self, name: str, value: str | int) -> None:
        pass

    def fail(self, reason: str) -> None:
        pass


_UNRECORDED = _Unrecorded()


@contextmanager
def _untraced(cause: Cause) -> Generator[Span]:
    if cause.traceparent is None:
        cause = replace(cause, traceparent=begin_trace())
    with because_of(cause):
        yield _UNRECORDED
