"""Structured logs: one JSON object a line, with the cause of what happens."""

import logging
import sys
from collections.abc import MutableMapping

import structlog

from chassis.context import current_cause


def configure_logs(process: str, level: str = "INFO") -> None:
    """Send our logs, and the libraries', to standard error as JSON.

    Standard output is for what a command was asked to tell.
    """
    shared: list[structlog.types.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_cause,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_json_formatter(process, shared))
    logging.basicConfig(handlers=[handler], level=level, force=True)
    # The broker's libraries log each failed attempt to connect; we say it once.
    for noisy in ("aio_pika", "aiormq"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)


def _json_formatter(
    process: str, shared: list[structlog.types.Processor]
) -> logging.Formatter:
    def add_process(
        _logger: object, _name: str, event: MutableMapping[str, object]
    ) -> MutableMapping[str, object]:
        event["process"] = process
        return event

    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            add_process,
            structlog.processors.format_exc_info,
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(default=str),
        ],
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
