"""Structured logs: one JSON object a line, with the cause of what happens."""

import logging
import sys
from collections.abc import MutableMapping, Sequence
from contextlib import suppress

import structlog
from structlog.types import Processor

from chassis.context import current_cause


def configure_logs(process: str, level: str = "INFO") -> None:
    """Send our logs, and the libraries', to standard error as JSON.

    Standard output is for what a command was asked to tell.
    """
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_cause,
    ]
    to_json = _to_json(process)
    structlog.configure(
        # Not by way of the standard library's loggers, which find out for each line
        # where in the code it was told: every request has one.
        processors=[*shared, *to_json],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=_Console,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *to_json,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    quiet_broker_libraries()
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)


def quiet_broker_libraries() -> None:
    """Silence what logs each failed attempt to connect; we say it once."""
    for noisy in ("aio_pika", "aiormq"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)


class _Console:
    """Writes lines to standard error; nobody's work fails because that can't be."""

    def __init__(self, *_name: str) -> None:
        self._stream = sys.stderr

    def tell(self, line: str) -> None:
        # As the standard library's handlers do, too: a disk may be full, a pipe closed.
        with suppress(OSError, ValueError):
            self._stream.write(line + "\n")
            self._stream.flush()

    debug = info = warning = error = critical = tell


def _to_json(process: str) -> Sequence[Processor]:
    """Return the last steps of every line, ours or a library's."""

    def add_process(
        _logger: object, _name: str, event: MutableMapping[str, object]
    ) -> MutableMapping[str, object]:
        event["process"] = process
        return event

    return (
        add_process,
        structlog.processors.format_exc_info,
        structlog.processors.EventRenamer("message"),
        structlog.processors.JSONRenderer(default=str),
    )


def _add_cause(
    _logger: object, _name: str, event: MutableMapping[str, object]
) -> MutableMapping[str, object]:
    cause = current_cause()
    if cause.actor != "system:unknown":
        event.setdefault("request_id", cause.cause_id)
        event.setdefault("correlation_id", cause.correlation_id)
        event.setdefault("actor", cause.actor)
        if cause.traceparent:
            event.setdefault("trace_id", cause.traceparent.split("-")[1])
    return event
