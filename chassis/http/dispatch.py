"""From request to handler and back: the same steps, in the same order, for each route.

Token and policy, then parameters, query and body, then the idempotency key, then the
handler; whatever is wrong raises, and the problems middleware tells it.
"""

import asyncio
from collections.abc import Mapping

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, ValidationError

from chassis.context import acting_as, current_cause
from chassis.errors import FieldError, NotAuthenticated, RuleViolated, Unavailable
from chassis.http import idempotency
from chassis.http.call import AlreadyAnswered, Call, Surroundings, encode
from chassis.http.dates import check_dates
from chassis.http.models import Body, Query
from chassis.http.reader import check_text, read_body, read_json, require_json
from chassis.http.routes import Route
from chassis.http.wording import invalid_request
from chassis.principal import Principal
from chassis.tokens import BadToken, TokenVerifier

log = structlog.get_logger("http")


class TookTooLong(Unavailable):
    """The answer took too long; ask again to see how it ended."""


def handler_of(
    route: Route, surroundings: Surroundings, verifier: TokenVerifier
) -> Handler:
    """Return the aiohttp handler that answers the route."""

    async def handle(request: web.Request) -> web.StreamResponse:
        principal = await _admit(request, route, verifier)
        call = Call(request, route, surroundings, principal)
        try:
            async with asyncio.timeout(route.seconds):
                return await _answer(call)
        except TimeoutError:
            raise TookTooLong from None

    return handle


async def authenticate(
    request: web.Request, verifier: TokenVerifier
) -> Principal | None:
    """Return who the request's token names; None without one; a bad one raises."""
    header = request.headers.get("Authorization")
    if header is None:
        return None
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise BadToken("the Authorization header must be: Bearer <access token>")
    return await verifier.verify(token.strip())


async def _admit(
    request: web.Request, route: Route, verifier: TokenVerifier
) -> Principal | None:
    principal = None
    try:
        principal = await authenticate(request, verifier)
    except (NotAuthenticated, Unavailable):
        # A stale token must not keep anybody from what is open to all.
        if not route.policy.public:
            raise
    route.policy.check(principal)
    if principal is not None:
        acting_as(principal.actor)
    return principal


async def _answer(call: Call) -> web.StreamResponse:
    arguments, content = await _read(call)
    _expect_key(call)
    try:
        if not call.route.upload:
            await call.claim(call.request.query_string.encode(), content)
        result = await call.route.handler(call, **arguments)
        return await _respond(call, result)
    except AlreadyAnswered as already:
        return _json(already.answer)
    except BaseException:
        await _release(call)
        raise


async def _respond(call: Call, result: object) -> web.StreamResponse:
    if isinstance(result, web.StreamResponse):
        return result
    if not isinstance(result, BaseModel | None):
        raise TypeError(f"{call.route.name} answered with {type(result).__name__}")
    answer = idempotency.Answer(call.route.status, encode(result))
    await call.finish(answer)
    return _json(answer)


def _json(answer: idempotency.Answer) -> web.Response:
    if not answer.body:
        return web.Response(status=answer.status)
    return web.Response(
        status=answer.status,
        body=answer.body,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


async def _release(call: Call) -> None:
    try:
        await call.release()
    except Unavailable as error:
        # The lease ends by itself; the error that brought us here is what matters.
        log.warning("idempotency key not released", reason=str(error))


async def _read(call: Call) -> tuple[dict[str, object], bytes]:
    route, request = call.route, call.request
    arguments: dict[str, object] = _path_values(route, request)
    arguments |= _query(route, request)
    if route.upload or route.method == "GET":
        return arguments, b""
    content = await _body_bytes(request)
    if route.body is not None:
        arguments["body"] = _validated(route.body, content)
    elif content:
        _validated(Body, content)  # which has no field: nothing is silently ignored
    return arguments, content


def _path_values(route: Route, request: web.Request) -> dict[str, object]:
    check_text(iter(request.match_info.items()))
    values: dict[str, object] = {}
    for name, adapter in route.parameters.items():
        try:
            values[name] = adapter.validate_strings(request.match_info[name])
        except ValidationError as error:
            raise invalid_request(error, whole=name) from None
    return values


def _query(route: Route, request: web.Request) -> dict[str, object]:
    check_text(iter(request.query.items()))
    values: dict[str, str] = {}
    for name, value in request.query.items():
        if name in values:
            raise RuleViolated.of([FieldError(name, "is given more than once")])
        values[name] = value
    if route.query is not None:
        return {"query": _validated_query(route.query, values)}
    if values:
        raise RuleViolated.of(
            [FieldError(name, "is not a known parameter") for name in values]
        )
    return {}


def _validated_query(model: type[Query], values: Mapping[str, str]) -> Query:
    try:
        query = model.model_validate_strings(values)
    except ValidationError as error:
        raise invalid_request(error, whole="query") from None
    check_dates(query, values)
    return query


async def _body_bytes(request: web.Request) -> bytes:
    if request.can_read_body:
        require_json(request)
    return await read_body(request)


def _validated(model: type[Body], content: bytes) -> Body:
    document = read_json(content)
    try:
        body = model.model_validate_json(content, strict=True)
    except ValidationError as error:
        raise invalid_request(error, whole="body") from None
    if isinstance(document, dict):
        check_dates(body, document)
    return body


def _expect_key(call: Call) -> None:
    if not call.route.takes_key:
        return
    key = idempotency.read_key(call.request.headers.get(idempotency.HEADER))
    if key is None:
        return
    caller = call.caller.actor if call.caller else f"address:{current_cause().address}"
    request = call.request
    call.expect_claim(
        lambda *content: idempotency.slot_of(
            caller, request.method, request.path, key, *content
        )
    )
