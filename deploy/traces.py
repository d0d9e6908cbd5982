"""Takes traces and prints each as a tree: a collector for one's own machine.

`python -m deploy.traces [PORT]` takes OTLP over HTTP, on loopback, and prints a trace
once nothing has come for it for a while. Processes that are started with
`OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:PORT` send theirs to it.
"""

import asyncio
import gzip
import sys
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue

LOOPBACK = "127.0.0.1"
PORT = 4318
#: Processes send every few seconds; a trace that rests for so long is complete.
REST_SECONDS = 12.0
LARGEST_REQUEST_BYTES = 64 * 1024 * 1024
NANOSECONDS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenSpan:
    """One span as it arrived; times in nanoseconds, ids in hexadecimal."""

    trace_id: str
    span_id: str
    parent_id: str
    process: str
    name: str
    kind: int
    began: int
    ended: int
    failed: bool
    attributes: dict[str, str]


@dataclass(slots=True)
class Trace:
    """The spans of one trace, and when the last of them came."""

    spans: list[SeenSpan] = field(default_factory=list[SeenSpan])
    heard_at: float = field(default_factory=time.monotonic)

    def tree(self) -> str:
        """Return the spans line by line, each under what it is a part of."""
        known = {span.span_id for span in self.spans}
        roots = [span for span in self.spans if span.parent_id not in known]
        zero = min(span.began for span in self.spans)
        lines = [line for root in _ordered(roots) for line in self._lines(root, 0)]
        return "\n".join(_line(depth, span, zero) for depth, span in lines)

    def _lines(self, span: SeenSpan, depth: int) -> Iterator[tuple[int, SeenSpan]]:
        yield depth, span
        parts = [part for part in self.spans if part.parent_id == span.span_id]
        for part in _ordered(parts):
            yield from self._lines(part, depth + 1)


class Collector:
    """What has been received, by trace id."""

    def __init__(self) -> None:
        self.traces: dict[str, Trace] = {}

    @asynccontextmanager
    async def listening(self, port: int) -> AsyncGenerator[None]:
        app = web.Application(client_max_size=LARGEST_REQUEST_BYTES)
        app.router.add_post("/v1/traces", self._take)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, LOOPBACK, port).start()
            yield
        finally:
            await runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        if (
            request.headers.get("Content-Encoding") == "gzip"
            and body[:2] == b"\x1f\x8b"
        ):
            body = gzip.decompress(body)
        for span in _spans(ExportTraceServiceRequest.FromString(body)):
            trace = self.traces.setdefault(span.trace_id, Trace())
            trace.spans.append(span)
            trace.heard_at = time.monotonic()
        return web.Response(
            body=ExportTraceServiceResponse().SerializeToString(),
            content_type="application/x-protobuf",
        )


def _spans(request: ExportTraceServiceRequest) -> Iterator[SeenSpan]:
    for resource in request.resource_spans:
        names = {a.key: a.value.string_value for a in resource.resource.attributes}
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield SeenSpan(
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent_id=span.parent_span_id.hex(),
                    process=names.get("service.name", "?"),
                    name=span.name,
                    kind=span.kind,
                    began=span.start_time_unix_nano,
                    ended=span.end_time_unix_nano,
                    failed=span.status.code == span.status.STATUS_CODE_ERROR,
                    attributes={a.key: _text(a.value) for a in span.attributes},
                )


def _text(value: AnyValue) -> str:
    return str(getattr(value, value.WhichOneof("value") or "string_value"))


def _ordered(spans: list[SeenSpan]) -> list[SeenSpan]:
    return sorted(spans, key=lambda span: span.began)


def _line(depth: int, span: SeenSpan, zero: int) -> str:
    at = (span.began - zero) / NANOSECONDS
    took = (span.ended - span.began) / NANOSECONDS
    name = f"{'  ' * depth}{span.process}: {span.name}"
    fault = f"  FAILED {span.attributes.get('error.type', '')}" if span.failed else ""
    return f"{at:9.1f} ms {took:8.1f} ms  {name}{fault}"


async def _print_forever(collector: Collector) -> None:
    while True:
        await asyncio.sleep(1)
        for trace_id, trace in list(collector.traces.items()):
            if time.monotonic() - trace.heard_at > REST_SECONDS:
                del collector.traces[trace_id]
                sys.stdout.write(f"\ntrace {trace_id}\n{trace.tree()}\n")
                sys.stdout.flush()


async def _main(port: int) -> None:
    collector = Collector()
    async with collector.listening(port):
        await _print_forever(collector)


if __name__ == "__main__":
    try:
        asyncio.run(_main(int(sys.argv[1]) if len(sys.argv) > 1 else PORT))
    except KeyboardInterrupt:
        sys.exit(0)
