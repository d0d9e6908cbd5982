"""The outbox's rows: an event becomes a row in the transaction that caused it."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, LiteralString
from uuid import UUID

from chassis.context import Cause, current_cause
from chassis.events import Event
from chassis.ids import uuid7

#: An event is a fact with its object's state; what is larger goes by reference.
MAXIMUM_EVENT_CHARACTERS = 256 * 1024

INSERT: Final[LiteralString] = """
    INSERT INTO outbox (event_id, type, aggregate, subject, version, republished,
                        correlation_id, causation_id, actor, body, emitted_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""
INSERT_MANY: Final[LiteralString] = """
    INSERT INTO outbox (event_id, type, aggregate, subject, version, republished,
                        correlation_id, causation_id, actor, body, emitted_at)
    SELECT * FROM unnest(
        $1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::bigint[], $6::boolean[],
        $7::text[], $8::text[], $9::text[], $10::text[], $11::timestamptz[])
"""

Row = tuple[UUID, str, str, UUID, int, bool, str, str, str, str, datetime]


class EventTooLarge(ValueError):
    """An event carries more than the bus takes; send a reference instead."""


class ForeignEvent(ValueError):
    """A process announces its own facts alone: readers trust an event's first name."""


@dataclass(frozen=True, slots=True)
class _Origin:
    """What all events of one call share."""

    source: str
    republished: bool
    cause: Cause
    now: datetime


def row_of(event: Event, source: str) -> Row:
    """Return the outbox row of an event, its envelope ready to be sent."""
    return _row(event, _origin(source, republished=False))


def columns_of(
    events: Iterable[Event], source: str, *, republished: bool
) -> list[list[object]]:
    """Return the rows of many events, column by column, as unnest takes them."""
    origin = _origin(source, republished=republished)
    rows = [_row(event, origin) for event in events]
    return [list(column) for column in zip(*rows, strict=True)]


def _origin(source: str, *, republished: bool) -> _Origin:
    return _Origin(source, republished, current_cause(), datetime.now(UTC))


def _row(event: Event, origin: _Origin) -> Row:
    if event.TYPE.partition(".")[0] != origin.source:
        raise ForeignEvent(f"{origin.source} can't announce {event.TYPE}")
    event_id = uuid7()
    body = _envelope(event, event_id, origin)
    if len(body) > MAXIMUM_EVENT_CHARACTERS:
        raise EventTooLarge(f"{event.TYPE} has {len(body)} characters")
    return (
        event_id,
        event.TYPE,
        event.aggregate(),
        event.subject,
        event.version,
        origin.republished,
        origin.cause.correlation_id,
        origin.cause.cause_id,
        origin.cause.actor,
        body,
        origin.now,
    )


def _envelope(event: Event, event_id: UUID, origin: _Origin) -> str:
    """Return chassis.events.Envelope as JSON, without building it field by field."""
    head: dict[str, object] = {
        "specversion": "1.0",
        "id": str(event_id),
        "type": event.TYPE,
        "source": origin.source,
        "subject": str(event.subject),
        "time": origin.now.isoformat(),
        "datacontenttype": "application/json",
        "correlationid": origin.cause.correlation_id,
        "causationid": origin.cause.cause_id,
        "version": event.version,
        "republished": origin.republished,
    }
    if origin.cause.traceparent:
        head["traceparent"] = origin.cause.traceparent
    return f'{json.dumps(head)[:-1]}, "data": {event.model_dump_json()}}}'
