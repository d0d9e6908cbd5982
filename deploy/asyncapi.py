"""The AsyncAPI 3 document: every event as others may read it, from `contracts/`.

A channel is a routing key of the exchange. A process that emits the event sends on it;
one that reads it receives from its own queue, which `migrate` binds to it.
"""

from collections.abc import Iterator
from typing import TypeAlias

from pydantic import JsonValue
from pydantic.json_schema import models_json_schema

from chassis.events import REGISTRY, Envelope, Event
from chassis.topology import EXCHANGE
from deploy.examples import example_of
from deploy.processes import SERVICES

Json: TypeAlias = dict[str, JsonValue]

CONTENT_TYPE = "application/cloudevents+json"
SCHEMA_REFERENCE = "#/components/schemas/{model}"
#: Of the contracts as a whole; each event's own is in its name.
VERSION = "1"


def document() -> Json:
    """Return the document, the same for the same contracts."""
    events = sorted(REGISTRY.items())
    schemas = _schemas()
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Client Area events",
            "version": VERSION,
            "description": (
                "What the processes announce, as CloudEvents 1.0 in JSON on one topic"
                " exchange. Fields may be added to an event; a breaking change is"
                " another event, `.v2`. Delivery is at least once and may be out of"
                " order: know an event by its `id`, and keep an object's highest"
                " `version`."
            ),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": CONTENT_TYPE,
        "servers": {
            "broker": {
                "host": "rabbitmq:5672",
                "protocol": "amqp",
                "description": "Its address, user and password are the operators'.",
            }
        },
        "channels": {name: _channel(event) for name, event in events},
        "operations": dict(
            operation for _, event in events for operation in _operations(event)
        ),
        "components": {
            "messages": {
                event.__name__: _message(event, schemas) for _, event in events
            },
            "schemas": schemas,
        },
    }


def emitter_of(event: type[Event]) -> str:
    """Return the process that announces it: an event's first name."""
    return event.TYPE.partition(".")[0]


def readers_of(event: type[Event]) -> Iterator[tuple[str, str]]:
    """Yield each process that reads it, with the function that does."""
    for process in SERVICES:
        handler = process.consumers and process.consumers.handler_of(event)
        if handler:
            yield process.name, getattr(handler, "__name__", "")


def meaning_of(event: type[Event]) -> str:
    return (event.__doc__ or "").strip().splitlines()[0]


def _channel(event: type[Event]) -> Json:
    exchange: Json = {"name": EXCHANGE, "type": "topic", "durable": True, "vhost": "/"}
    return {
        "address": event.TYPE,
        "description": meaning_of(event),
        "messages": {
            event.__name__: {"$ref": f"#/components/messages/{event.__name__}"}
        },
        "bindings": {"amqp": {"is": "routingKey", "exchange": exchange}},
    }


def _operations(event: type[Event]) -> Iterator[tuple[str, Json]]:
    emitter = emitter_of(event)
    yield f"{emitter}.sends.{event.TYPE}", _operation(event, "send", emitter, {})
    for reader, handler in readers_of(event):
        more: Json = {"x-queue": reader, "x-handler": handler}
        yield (
            f"{reader}.receives.{event.TYPE}",
            _operation(event, "receive", reader, more),
        )


def _operation(event: type[Event], action: str, process: str, more: Json) -> Json:
    amqp: Json = {"deliveryMode": 2} if action == "send" else {"ack": True}
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{event.TYPE}"},
        "messages": [{"$ref": f"#/channels/{event.TYPE}/messages/{event.__name__}"}],
        "tags": [{"name": process}],
        "bindings": {"amqp": amqp},
        **more,
    }


def _message(event: type[Event], schemas: Json) -> Json:
    facts: Json = {
        "type": {"const": event.TYPE},
        "source": {"const": emitter_of(event)},
        "data": {"$ref": _reference(event.__name__)},
    }
    return {
        "name": event.TYPE,
        "title": event.__name__,
        "summary": meaning_of(event),
        "contentType": CONTENT_TYPE,
        "correlationId": {"location": "$message.payload#/correlationid"},
        "payload": {
            "allOf": [
                {"$ref": _reference("Envelope")},
                {"type": "object", "properties": facts},
            ]
        },
        "examples": [{"name": event.TYPE, "payload": example_of(event, schemas)}],
    }


def _schemas() -> Json:
    models = [*(event for _, event in sorted(REGISTRY.items())), Envelope]
    _, top = models_json_schema(
        [(model, "serialization") for model in models], ref_template=SCHEMA_REFERENCE
    )
    return top["$defs"]


def _reference(name: str) -> str:
    return SCHEMA_REFERENCE.format(model=name)
