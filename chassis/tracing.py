"""Trace context (W3C): continue a caller's trace, or begin one."""

import os
import re

HEADER = "traceparent"
#: Beside it, from the gateway to the services: which request, and whose.
REQUEST_ID = "X-Request-Id"
FORWARDED_FOR = "X-Forwarded-For"

_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})",
    re.ASCII,
)


def begin_trace() -> str:
    """Return the `traceparent` of a new, sampled trace."""
    return f"00-{os.urandom(16).hex()}-{_span_id()}-01"


def continue_trace(traceparent: str | None) -> str:
    """Return a `traceparent` with a span of our own in the caller's trace."""
    match = _TRACEPARENT.fullmatch(traceparent or "")
    if match is None:
        return begin_trace()
    return f"00-{match[1]}-{_span_id()}-{match[2]}"


def _span_id() -> str:
    return os.urandom(8).hex()
