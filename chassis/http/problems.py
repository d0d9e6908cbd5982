"""Errors as problem documents (RFC 9457): one middleware renders them all."""

from collections.abc import Mapping
from datetime import date
from http import HTTPStatus
from uuid import UUID

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from chassis.context import current_cause
from chassis.errors import (
    DomainError,
    FieldError,
    NotAuthenticated,
    NotFound,
    Text,
    TooLarge,
    Unreadable,
    Value,
)
from chassis.http.models import (
    DateValue,
    FieldProblem,
    MoneyValue,
    Problem,
    ProblemValue,
)
from chassis.money import Money

#: Where the front door explains each kind of problem; the class name follows.
PROBLEMS_URL = "/api/docs/problems#"
MEDIA_TYPE = "application/problem+json"

log = structlog.get_logger("http")

#: What the server itself refuses, and we have a name for.
_KINDS_OF_SERVER: Mapping[int, type[DomainError]] = {
    kind.status: kind for kind in (Unreadable, NotFound, TooLarge)
}
_HEADERS_KEPT = ("Allow", "Retry-After")


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every error as a problem document; an unknown one as a bare 500."""
    try:
        return await handler(request)
    except DomainError as error:
        return problem_of(error, _address(request))
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        return _problem_of_server(error, _address(request))
    except ConnectionResetError:
        raise  # The client went away; there is nobody to answer.
    except Exception:
        log.exception("request failed", path=request.path)
        return internal_error(_address(request))


def _address(request: web.BaseRequest) -> str:
    """Return the path as it was sent: what it decodes to may not be text."""
    return request.rel_url.raw_path


def problem_of(error: DomainError, path: str) -> web.Response:
    """Render an error of ours: its class is the type, its docstring the title."""
    problem = Problem(
        type=PROBLEMS_URL + type(error).__name__,
        title=error.title(),
        status=error.status,
        detail=error.detail,
        template=error.text.template,
        values=values_of(error.text),
        instance=path,
        request_id=current_cause().cause_id,
        errors=[_field_problem(fault) for fault in error.errors] or None,
    )
    return respond(problem, _headers_of(error))


def plain_problem(status: int, path: str, detail: str = "") -> Problem:
    """Return a problem that the server found, not our code."""
    known, kind = HTTPStatus(status), _KINDS_OF_SERVER.get(status)
    title = kind.title() if kind else known.phrase
    said = detail or (title if kind else known.description)
    name = kind.__name__ if kind else known.phrase.title().replace(" ", "")
    return Problem(
        type=PROBLEMS_URL + name,
        title=title,
        status=status,
        detail=said,
        template=said,
        values={},
        instance=path,
        request_id=current_cause().cause_id,
    )


def internal_error(path: str) -> web.Response:
    """Return the answer that says nothing but which request failed."""
    return respond(plain_problem(500, path, "something went wrong on our side"))


def respond(problem: Problem, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        status=problem.status,
        body=problem.model_dump_json(exclude_none=True).encode(),
        content_type=MEDIA_TYPE,
        headers=headers,
    )


def _field_problem(fault: FieldError) -> FieldProblem:
    return FieldProblem(
        field=fault.field,
        message=fault.message,
        template=fault.text.template,
        values=values_of(fault.text),
    )


def values_of(text: Text) -> dict[str, ProblemValue]:
    """Return what goes into the text's template, as it is told on the wire."""
    return {name: _as_json(value) for name, value in text.values.items()}


def _as_json(value: Value) -> ProblemValue:
    if isinstance(value, int):
        return value
    if isinstance(value, str | UUID):
        return str(value)
    if isinstance(value, Money):
        return MoneyValue(amount=str(value.decimal()), currency=value.currency)
    if isinstance(value, date):
        return DateValue(date=value)
    return list(value)


def _problem_of_server(error: web.HTTPException, path: str) -> web.Response:
    kept = {
        name: error.headers[name] for name in _HEADERS_KEPT if name in error.headers
    }
    return respond(plain_problem(error.status, path), kept)


def _headers_of(error: DomainError) -> dict[str, str]:
    headers: dict[str, str] = {}
    seconds = getattr(error, "retry_after_seconds", None)
    if seconds is not None:
        headers["Retry-After"] = str(seconds)
    if isinstance(error, NotAuthenticated):
        headers["WWW-Authenticate"] = getattr(error, "challenge", "Bearer")
    return headers
