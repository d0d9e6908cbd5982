"""Spans by OpenTelemetry, sent to a collector in batches by a thread of their own.

A collector that is slow or away costs spans, never a request: what doesn't fit the
queue is dropped. The standard variables apply: `OTEL_TRACES_SAMPLER`, `OTEL_BSP_…`,
`OTEL_EXPORTER_OTLP_…`, `OTEL_RESOURCE_ATTRIBUTES`.
"""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from pydantic_core import from_json

from chassis.context import Cause, because_of, current_cause
from chassis.tracing import Attributes, Kind, Span, begin_trace, readable

#: At the end of a process, for the spans that are left.
FLUSH_SECONDS = 3.0

_KINDS: Final[Mapping[Kind, trace.SpanKind]] = {
    "server": trace.SpanKind.SERVER,
    "client": trace.SpanKind.CLIENT,
    "producer": trace.SpanKind.PRODUCER,
    "consumer": trace.SpanKind.CONSUMER,
    "internal": trace.SpanKind.INTERNAL,
}


@asynccontextmanager
async def exporting(process: str) -> AsyncGenerator["SpanRecorder"]:
    """Yield a recorder whose spans go to where the environment says."""
    # Of a collector that is away, one line for each batch that is lost says enough.
    logging.getLogger("opentelemetry").setLevel(logging.ERROR)
    provider = TracerProvider(
        resource=Resource.create(
            {"service.name": process, "service.namespace": "clientarea"}
        ),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    try:
        yield SpanRecorder(provider.get_tracer("clientarea"))
    finally:
        await _shut_down(provider)


class SpanRecorder:
    """Makes spans; the cause's `traceparent` says whose child each one is."""

    def __init__(self, tracer: trace.Tracer) -> None:
        self._tracer = tracer

    @contextmanager
    def traced(
        self, cause: Cause, name: str, kind: Kind, attributes: Attributes
    ) -> Generator[Span]:
        """Record what is done because of the cause; what it causes is its child."""
        with (
            self._span(cause.traceparent, name, kind, attributes) as span,
            because_of(replace(cause, traceparent=_traceparent(span))),
        ):
            yield _Recorded(span)

    @contextmanager
    def detail(
        self, name: str, kind: Kind, attributes: Attributes
    ) -> Generator[tuple[Span, str]]:
        """Record a part of what the cause in force is doing."""
        parent = current_cause().traceparent
        with self._span(parent, name, kind, attributes) as span:
            yield _Recorded(span), _traceparent(span)

    def published(
        self, bodies: list[tuple[str, bytes, str | None]], *, seconds: float
    ) -> None:
        """Record each event, by type and body, as sent within the last `seconds`.

        Each belongs to the trace of what emitted it, whichever batch it went with.
        """
        ended = time.time_ns()
        for type_, body, refusal in bodies:
            span = self._tracer.start_span(
                f"publish {type_}",
                context=_inside(from_json(body).get("traceparent")),
                kind=trace.SpanKind.PRODUCER,
                attributes={"messaging.system": "rabbitmq", "messaging.type": type_},
                start_time=ended - int(seconds * 1e9),
            )
            if refusal is not None:
                _Recorded(span).fail(refusal)
            span.end(ended)

    @contextmanager
    def _span(
        self, parent: str | None, name: str, kind: Kind, attributes: Attributes
    ) -> Generator[trace.Span]:
        span = self._tracer.start_span(
            name, context=_inside(parent), kind=_KINDS[kind], attributes=attributes
        )
        try:
            yield span
        except BaseException as error:
            # Its text may quote what people typed.
            _Recorded(span).fail(type(error).__name__)
            raise
        finally:
            span.end()


class _Recorded:
    """A span as the chassis sees it."""

    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def set(self, name: str, value: str | int) -> None:
        self._span.set_attribute(name, value)

    def fail(self, reason: str) -> None:
        self._span.set_attribute("error.type", reason)
        self._span.set_status(trace.StatusCode.ERROR)


def _inside(traceparent: str | None) -> Context:
    """Return the context of the span that a `traceparent` names; without one, none."""
    given = readable(traceparent)
    if given is None:
        return Context()
    _, trace_id, span_id, flags = given.split("-")
    remote = trace.SpanContext(
        int(trace_id, 16),
        int(span_id, 16),
        is_remote=True,
        trace_flags=trace.TraceFlags(int(flags, 16)),
    )
    return trace.set_span_in_context(trace.NonRecordingSpan(remote), Context())


def _traceparent(span: trace.Span) -> str:
    context = span.get_span_context()
    if not context.is_valid:
        # OTEL_SDK_DISABLED: spans of nothing, yet the trace's id goes on.
        return current_cause().traceparent or begin_trace()
    return (
        f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
    )


async def _shut_down(provider: TracerProvider) -> None:
    """Send what is left, but don't wait for a collector that doesn't answer."""
    ending = threading.Thread(target=provider.shutdown, daemon=True)
    ending.start()
    await asyncio.to_thread(ending.join, FLUSH_SECONDS)
