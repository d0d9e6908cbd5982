"""Examples of events, made from their schemas: the same for the same contracts."""

from collections.abc import Mapping
from typing import TypeAlias
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import JsonValue

from chassis.events import Event

Json: TypeAlias = dict[str, JsonValue]

INSTANT, DAY = "2026-03-10T12:00:00Z", "2026-03-20"
REQUEST = "019d1f00-0000-7000-8000-000000000001"
VALUES: Mapping[str, JsonValue] = {
    "date": DAY,
    "date-time": INSTANT,
    "integer": 3,
    "number": 86400.0,
    "boolean": True,
}

#: What a field that is any text to a machine says to a person.
TEXTS: Mapping[str, str] = {
    "amount": "49.90",
    "currency": "BRL",
    "country": "BR",
    "language": "pt-BR",
    "time_zone": "America/Sao_Paulo",
    "email": "ana@example.com",
    "name": "Ana Souza",
    "company": "Souza Ltda",
    "phone": "+55 11 5555-0100",
    "tax_id": "529.982.247-25",
    "line1": "Rua das Flores, 10",
    "city": "São Paulo",
    "region": "SP",
    "postal_code": "01000-000",
    "permissions": "billing",
    "role": "support",
    "number": "2026-000123",
    "invoice_number": "2026-000123",
    "product": "hosting-small",
    "product_name": "Hosting S",
    "description": "Hosting S, monthly",
    "label": "example.com",
    "period": "monthly",
    "kind": "service",
    "method": "bank_transfer",
    "reference": "K7Q2-9XVM",
    "protocol": "7K3M-2QXP-V9",
    "department": "finance",
    "priority": "normal",
    "subject_line": "Proof of my transfer",
    "author_name": "Ana Souza",
    "text": "Here is the proof.",
    "attachment_names": "proof.pdf",
    "closed_by": "staff",
    "title": "Payment K7Q2-9XVM arrived for what it can't pay",
    "title_template": "Payment {reference} arrived for what it can't pay",
}
STATES: Mapping[str, str] = {
    "billing.service": "active",
    "billing.invoice": "open",
    "billing.payment": "awaiting_confirmation",
    "tickets.ticket": "open",
}


def example_of(event: type[Event], schemas: Json) -> Json:
    """Return the event as it might travel, in its envelope; `schemas` by model."""
    texts = {**TEXTS, "status": STATES.get(event.aggregate(), "open")}
    data = _Examples(schemas, texts).of(schemas[event.__name__], event.__name__)
    if not isinstance(data, dict):
        raise TypeError(f"{event.TYPE} is no object")
    return {
        "specversion": "1.0",
        "id": _an_id(event.TYPE),
        "type": event.TYPE,
        "source": event.TYPE.partition(".")[0],
        "subject": data[event.SUBJECT],
        "time": INSTANT,
        "datacontenttype": "application/json",
        "correlationid": REQUEST,
        "causationid": REQUEST,
        "version": data["version"],
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "republished": False,
        "data": data,
    }


class _Examples:
    """Makes a value of any of the schemas."""

    def __init__(self, schemas: Json, texts: Mapping[str, str]) -> None:
        self._schemas = schemas
        self._texts = texts

    def of(self, schema: JsonValue, name: str) -> JsonValue:
        """Return an example for the field of this name."""
        schema = self._resolved(schema)
        properties, items = schema.get("properties"), schema.get("items")
        if isinstance(properties, dict):
            return {field: self.of(below, field) for field, below in properties.items()}
        if items is not None:
            return [self.of(items, name)]
        # A mapping by names that the schema leaves open.
        if isinstance(values := schema.get("additionalProperties"), dict):
            return {"reference": self.of(values, "reference")}
        return self._value(schema, name)

    def _resolved(self, schema: JsonValue) -> Json:
        """Follow a reference, and take the first choice of several."""
        if not isinstance(schema, dict):
            raise TypeError(f"{schema} is no schema")
        if isinstance(reference := schema.get("$ref"), str):
            return self._resolved(self._schemas[reference.rpartition("/")[2]])
        if isinstance(choices := schema.get("anyOf"), list):
            return self._resolved(choices[0])
        return schema

    def _value(self, schema: Json, name: str) -> JsonValue:
        kind = str(schema.get("format") or schema.get("type"))
        if kind in VALUES:
            return VALUES[kind]
        if kind == "uuid":
            return _an_id(name)
        return self._texts.get(name, name.replace("_", " "))


def _an_id(name: str) -> str:
    """Return an id that looks like ours, the same for the same name."""
    digest = uuid5(NAMESPACE_URL, name).int & ((1 << 62) - 1)
    return str(UUID(int=(0x019D1F00 << 96) | (0x7000 << 64) | (0b10 << 62) | digest))
