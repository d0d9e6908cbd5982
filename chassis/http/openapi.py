"""OpenAPI 3.1 from the declared routes: what runs is what is published."""

import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from chassis.errors import (
    Conflict,
    DomainError,
    NotAllowed,
    NotAuthenticated,
    NotFound,
    RuleViolated,
    TooLarge,
    TooManyRequests,
    Unavailable,
    Unreadable,
    UnsupportedMedia,
)
from chassis.http import idempotency
from chassis.http.models import Problem
from chassis.http.policies import describe
from chassis.http.problems import MEDIA_TYPE
from chassis.http.routes import Route, Routes, all_routes

Json = dict[str, Any]
Mode = Literal["validation", "serialization"]

_REF = "#/components/schemas/{model}"
_PAGE = re.compile(r"^Page\[(\w+)\]$")
_SCHEME = "accessToken"
EVENT_STREAM = "text/event-stream"
_TRY_LATER = (TooManyRequests, Unavailable)
_KINDS: tuple[type[DomainError], ...] = (
    DomainError,
    Unreadable,
    NotAuthenticated,
    NotAllowed,
    NotFound,
    Conflict,
    TooLarge,
    UnsupportedMedia,
    RuleViolated,
    *_TRY_LATER,
)


def document_of(groups: Sequence[Routes], *, title: str, version: str = "1") -> Json:
    """Return the OpenAPI 3.1 document of these routes."""
    routes = all_routes(groups)
    schemas = _Schemas(routes)
    paths: Json = {}
    for route in routes:
        operation = _operation(route, schemas)
        paths.setdefault(route.path, {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": version},
        "tags": [{"name": tag} for tag in sorted({route.tag for route in routes})],
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "responses": {kind.__name__: _problem_response(kind) for kind in _KINDS},
            "parameters": {"IdempotencyKey": _IDEMPOTENCY_KEY},
            "securitySchemes": {
                _SCHEME: {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            },
        },
    }


_IDEMPOTENCY_KEY: Json = {
    "name": idempotency.HEADER,
    "in": "header",
    "description": "The same key and body get the first answer again.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
}


_LAST_EVENT_ID: Json = {
    "name": "Last-Event-ID",
    "in": "header",
    "description": "The `id` that was heard last: what came after it is told first.",
    "schema": {"type": "string"},
}


class _Generator(GenerateJsonSchema):
    """Names a page after its items: `InvoiceViewPage`."""

    def normalize_name(self, name: str) -> str:
        return super().normalize_name(_PAGE.sub(r"\1Page", name))


class _Schemas:
    """The JSON schemas of all models, named once for the whole document."""

    def __init__(self, routes: Sequence[Route]) -> None:
        pairs: list[tuple[type[BaseModel], Mode]] = [(Problem, "serialization")]
        for route in routes:
            pairs += _models(route)
        unique = list(dict.fromkeys(pairs))
        self._refs, whole = models_json_schema(
            unique, ref_template=_REF, schema_generator=_Generator
        )
        self.components: Json = dict(sorted(whole.get("$defs", {}).items()))
        for component in self.components.values():
            _drop_null_defaults(component)
        self._queries = self._take_queries(unique, routes)

    def ref(self, model: type[BaseModel], mode: Mode) -> Json:
        return dict(self._refs[model, mode])

    def query(self, model: type[BaseModel]) -> Json:
        return self._queries[model]

    def _take_queries(
        self, pairs: Sequence[tuple[type[BaseModel], Mode]], routes: Sequence[Route]
    ) -> dict[type[BaseModel], Json]:
        """Move query models out of the components: each field is a parameter."""
        queries = {route.query for route in routes}
        return {
            model: self.components.pop(
                self._refs[model, mode]["$ref"].rpartition("/")[2]
            )
            for model, mode in pairs
            if model in queries
        }


def _drop_null_defaults(schema: Json) -> None:
    """Say nothing of null defaults: many fields that may be left out refuse a null."""
    for field in schema.get("properties", {}).values():
        if field.get("default", ...) is None:
            del field["default"]


def _models(route: Route) -> Iterator[tuple[type[BaseModel], Mode]]:
    if route.body is not None:
        yield route.body, "validation"
    if route.query is not None:
        yield route.query, "validation"
    if route.answer is not None:
        yield route.answer, "serialization"
    if route.stream_of is not None:
        yield route.stream_of, "serialization"


def _operation(route: Route, schemas: _Schemas) -> Json:
    operation: Json = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.tag],
        "security": [] if route.policy.public else [{_SCHEME: []}],
        "x-policy": describe(route.policy),
        "parameters": list(_parameters(route, schemas)),
        "responses": _responses(route, schemas),
    }
    if route.description:
        operation["description"] = route.description
    if route.upload or route.body is not None:
        operation["requestBody"] = _request_body(route, schemas)
    return operation


def _parameters(route: Route, schemas: _Schemas) -> Iterator[Json]:
    for name, adapter in route.parameters.items():
        schema = adapter.json_schema(ref_template=_REF)
        yield {"name": name, "in": "path", "required": True, "schema": schema}
    if route.query is not None:
        yield from _query_parameters(schemas.query(route.query))
    if route.takes_key:
        yield {"$ref": "#/components/parameters/IdempotencyKey"}
    if route.stream_of is not None:
        yield _LAST_EVENT_ID


def _query_parameters(schema: Mapping[str, Any]) -> Iterator[Json]:
    required = schema.get("required", [])
    for name, found in schema.get("properties", {}).items():
        field = _without_null(found)
        description = field.pop("description", None)
        yield {
            "name": name,
            "in": "query",
            "required": name in required,
            # Several values come with commas between them: nothing is given twice.
            **({"explode": False} if field.get("type") == "array" else {}),
            **({"description": description} if description else {}),
            "schema": field,
        }


def _without_null(schema: Mapping[str, Any]) -> Json:
    """A query string can leave a parameter out, and never says null."""
    field = dict(schema)
    choices = [c for c in field.pop("anyOf", []) if c != {"type": "null"}]
    if len(choices) == 1:
        return {**field, **choices[0]}
    return {**field, "anyOf": choices} if choices else field


def _request_body(route: Route, schemas: _Schemas) -> Json:
    if route.body is not None:
        content = {
            "application/json": {"schema": schemas.ref(route.body, "validation")}
        }
    else:
        content = {"multipart/form-data": {"schema": _FORM}}
    return {"required": True, "content": content}


_FORM: Json = {
    "type": "object",
    "required": ["file"],
    "additionalProperties": False,
    "properties": {
        "file": {"type": "string", "contentMediaType": "application/octet-stream"}
    },
}


def _responses(route: Route, schemas: _Schemas) -> Json:
    success: Json = {"description": HTTPStatus(route.status).phrase}
    if route.media_type is not None:
        binary = {"type": "string", "contentMediaType": route.media_type}
        success["content"] = {route.media_type: {"schema": binary}}
    elif route.stream_of is not None:
        schema = _stream_of(schemas.ref(route.stream_of, "serialization"))
        success["content"] = {EVENT_STREAM: {"schema": schema}}
    elif route.answer is not None:
        schema = schemas.ref(route.answer, "serialization")
        success["content"] = {"application/json": {"schema": schema}}
    refused = sorted(_problems(route), key=lambda kind: kind.status)
    return {
        str(route.status): success,
        **{
            str(kind.status): {"$ref": f"#/components/responses/{kind.__name__}"}
            for kind in refused
        },
        "default": {"$ref": "#/components/responses/DomainError"},
    }


def _stream_of(data: Json) -> Json:
    """Describe a stream by what the `data` of each of its events is."""
    return {
        "type": "string",
        "contentMediaType": EVENT_STREAM,
        "contentSchema": data,
    }


def _problems(route: Route) -> Iterator[type[DomainError]]:
    yield from (RuleViolated, *_TRY_LATER)
    if not route.policy.public:
        yield from (NotAuthenticated, NotAllowed)
    if route.parameters:
        yield NotFound
    if route.method != "GET":
        yield Conflict
    if route.upload or route.body is not None:
        yield from (Unreadable, TooLarge, UnsupportedMedia)
    elif route.query is not None:
        yield Unreadable


def _problem_response(kind: type[DomainError]) -> Json:
    response: Json = {
        "description": inspect.cleandoc(kind.__doc__ or kind.__name__),
        "content": {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}},
    }
    if kind in _TRY_LATER:
        response["headers"] = {
            "Retry-After": {
                "description": "Seconds to wait.",
                "schema": {"type": "integer"},
            }
        }
    return response
