"""Traces (W3C): each request, event and job run goes on with its caller's.

Where the environment names a collector (`OTEL_EXPORTER_OTLP_ENDPOINT`), each is a span
that is recorded and sent there; without one, nothing is recorded, and OpenTelemetry
isn't even imported. The trace's id goes on either way: logs and events tell it.

Spans never hold what people typed or who they are: no values of SQL, no addresses, no
tokens, no texts of errors.
"""

import os
import random
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import replace
from types import TracebackType
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
        return _Unrecorded(cause)
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
    # Names, not secrets. Zero alone is no name.
    trace_id, span_id = _below(128), _below(64)
    return f"00-{trace_id:032x}-{span_id:016x}-01"


def readable(traceparent: str | None) -> str | None:
    """Return it if it is one."""
    return traceparent if _TRACEPARENT.fullmatch(traceparent or "") else None


def _below(bits: int) -> int:
    return random.getrandbits(bits) or 1


class _Unrecorded:
    """What is done while nobody records: each request goes through here."""

    __slots__ = ("_carried",)

    def __init__(self, cause: Cause) -> None:
        if cause.traceparent is None:
            cause = replace(cause, traceparent=begin_trace())
        self._carried = because_of(cause)

    def __enter__(self) -> Span:
        self._carried.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._carried.__exit__(kind, error, traceback)

    def set(self, name: str, value: str | int) -> None:
        pass

    def fail(self, reason: str) -> None:
        pass
