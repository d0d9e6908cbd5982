"""Routes: what a process answers, declared with all that OpenAPI and dispatch need."""

import inspect
import re
import typing
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Required, TypedDict, TypeVar, Unpack

from pydantic import BaseModel, TypeAdapter

from chassis.http.models import Body, Query
from chassis.http.policies import Policy

DEFAULT_PREFIX = "/api/v1"
HANDLER_SECONDS = 30.0

Handler = Callable[..., Awaitable[Any]]
H = TypeVar("H", bound=Handler)

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


class MisdeclaredRoute(TypeError):
    """A route's declaration is incomplete or contradicts its handler."""


class Options(TypedDict, total=False):
    """What a route may declare beside its method and path."""

    policy: Required[Policy]
    #: Of a success; 200, or 204 where nothing is answered, unless given.
    status: int
    #: What is sent when it is not JSON, such as `application/pdf`.
    media_type: str
    #: Whether the request is a form with a file, read by `call.read_file`.
    upload: bool
    #: False for routes that issue tokens: they ignore idempotency keys.
    keeps_answer: bool
    #: Lets a route that is no POST take idempotency keys: one whose repeat is refused.
    keyed: bool
    #: How long the handler may take; None: as long as it likes, as streams do.
    seconds: float | None
    #: What each event of a stream carries, when the answer is `text/event-stream`.
    stream_of: type[BaseModel]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One operation: how it is reached, who may, what goes in and what comes out."""

    method: str
    path: str
    handler: Handler
    policy: Policy
    tag: str
    status: int = 200
    summary: str
    description: str
    body: type[Body] | None
    query: type[Query] | None
    parameters: dict[str, TypeAdapter[Any]] = field(default_factory=dict)
    answer: type[BaseModel] | None
    media_type: str | None = None
    upload: bool = False
    keeps_answer: bool = True
    keyed: bool = False
    seconds: float | None = HANDLER_SECONDS
    stream_of: type[BaseModel] | None = None

    @property
    def name(self) -> str:
        return self.handler.__name__

    @property
    def takes_key(self) -> bool:
        """Whether a repeat with the same idempotency key gets the same answer."""
        return (self.method == "POST" or self.keyed) and self.keeps_answer


class Routes:
    """A group of routes under one tag; sum them up in app.py."""

    def __init__(self, *, tag: str, prefix: str = DEFAULT_PREFIX) -> None:
        self.tag = tag
        self.prefix = prefix
        self._routes: list[Route] = []

    def __iter__(self) -> Iterator[Route]:
        return iter(self._routes)

    def get(self, path: str, **options: Unpack[Options]) -> Callable[[H], H]:
        return self._declare("GET", path, options)

    def post(self, path: str, **options: Unpack[Options]) -> Callable[[H], H]:
        return self._declare("POST", path, options)

    def put(self, path: str, **options: Unpack[Options]) -> Callable[[H], H]:
        return self._declare("PUT", path, options)

    def patch(self, path: str, **options: Unpack[Options]) -> Callable[[H], H]:
        return self._declare("PATCH", path, options)

    def delete(self, path: str, **options: Unpack[Options]) -> Callable[[H], H]:
        return self._declare("DELETE", path, options)

    def _declare(self, method: str, path: str, options: Options) -> Callable[[H], H]:
        where = f"{method} {self.prefix}{path}"
        if "policy" not in options:
            raise MisdeclaredRoute(f"{where} declares no policy")

        def declare(handler: H) -> H:
            signature = _read_signature(where, path, handler)
            options.setdefault("status", 204 if signature.answers_nothing else 200)
            summary, description = _read_docstring(where, handler)
            self._routes.append(
                Route(
                    method=method,
                    path=self.prefix + path,
                    handler=handler,
                    tag=self.tag,
                    summary=summary,
                    description=description,
                    body=signature.body,
                    query=signature.query,
                    parameters=signature.parameters,
                    answer=signature.answer,
                    **options,
                )
            )
            return handler

        return declare


def all_routes(groups: Sequence[Routes]) -> list[Route]:
    """Return the groups' routes, or raise if two share an operation or a name."""
    routes = [route for group in groups for route in group]
    seen: dict[str, Route] = {}
    for route in routes:
        for key in (route.name, f"{route.method} {_PLACEHOLDER.sub('{}', route.path)}"):
            if key in seen:
                raise MisdeclaredRoute(f"{key} is declared twice")
            seen[key] = route
    return routes


@dataclass(frozen=True, slots=True)
class _Signature:
    body: type[Body] | None
    query: type[Query] | None
    parameters: dict[str, TypeAdapter[Any]]
    answer: type[BaseModel] | None
    answers_nothing: bool


def _read_signature(where: str, path: str, handler: Handler) -> _Signature:
    hints = typing.get_type_hints(handler, include_extras=True)
    answer = hints.pop("return", None)
    names = list(inspect.signature(handler).parameters)[1:]
    body, query = hints.get("body"), hints.get("query")
    placeholders = _PLACEHOLDER.findall(path)
    if sorted(placeholders) != sorted(set(names) - {"body", "query"}):
        raise MisdeclaredRoute(f"{where} and {handler.__name__} differ in parameters")
    _require(where, body, Body)
    _require(where, query, Query)
    return _Signature(
        body=body,
        query=query,
        parameters={name: TypeAdapter(hints[name]) for name in placeholders},
        answer=answer if _is_model(answer) else None,
        answers_nothing=answer is None or answer is type(None),
    )


def _require(where: str, model: Any, base: type[BaseModel]) -> None:
    if model is not None and not (_is_model(model) and issubclass(model, base)):
        raise MisdeclaredRoute(f"{where}: {model} is not a {base.__name__}")


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _read_docstring(where: str, handler: Handler) -> tuple[str, str]:
    text = inspect.getdoc(handler)
    if not text:
        raise MisdeclaredRoute(f"{where}: {handler.__name__} has no docstring")
    summary, _, description = text.partition("\n")
    return summary.rstrip("."), description.strip()
