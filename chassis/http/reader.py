"""The one reader of what clients send: anything odd is refused, never guessed at."""

import asyncio
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NoReturn, TypeAlias, Union

from aiohttp import web
from aiohttp.typedefs import Handler

from chassis.errors import (
    DomainError,
    FieldError,
    RuleViolated,
    TooLarge,
    Unreadable,
    UnsupportedMedia,
)

Json: TypeAlias = Union[str, int, float, bool, "list[Json]", "Mapping[str, Json]", None]

MAXIMUM_BODY_BYTES = 1024 * 1024
MAXIMUM_DEPTH = 32
#: A JSON body arrives within this time, or its sender is given up.
BODY_SECONDS = 10.0
#: Beyond this no field of ours can hold a number.
MAXIMUM_INTEGER = 2**63 - 1
#: Postgres can't store NUL; a lone surrogate isn't a character and has no UTF-8.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_UNSTORABLE_MESSAGE = "must not contain NUL or lone surrogates"


class BodyTooSlow(DomainError):
    """The body didn't arrive in time."""

    status = 408


class NotJson(UnsupportedMedia):
    """The body must be JSON, sent as application/json."""


@web.middleware
async def readable_headers(
    request: web.Request, handler: Handler
) -> web.StreamResponse:
    """Refuse headers that aren't UTF-8: they could be neither stored nor passed on."""
    for name, value in request.headers.items():
        if not value.isascii() and _UNSTORABLE.search(value):
            raise Unreadable("the header {name} is not UTF-8", name=name)
    return await handler(request)


def require_json(request: web.Request) -> None:
    """Refuse a body that says that it is something else than plain JSON."""
    if request.content_type != "application/json":
        raise NotJson("{given} is not application/json", given=request.content_type)
    if (request.charset or "utf-8").lower().replace("-", "") != "utf8":
        raise NotJson("JSON must be encoded in UTF-8")
    require_uncompressed(request)


def require_uncompressed(request: web.Request) -> None:
    """Refuse compressed bodies: their size is a lie until they are unpacked."""
    encoding = request.headers.get("Content-Encoding", "identity")
    if encoding.lower() != "identity":
        raise UnsupportedMedia(
            "the content encoding {encoding} is not accepted", encoding=encoding
        )


async def read_body(request: web.Request, limit: int = MAXIMUM_BODY_BYTES) -> bytes:
    """Read the whole body, or raise TooLarge as soon as that is known."""
    if (request.content_length or 0) > limit:
        raise too_large(limit)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _read_up_to(limit, request)
    except TimeoutError:
        raise BodyTooSlow from None
    except web.RequestPayloadError:
        raise Unreadable("the body broke off") from None


async def _read_up_to(limit: int, request: web.Request) -> bytes:
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > limit:
            raise too_large(limit)
    return bytes(body)


def too_large(limit: int) -> TooLarge:
    return TooLarge("at most {limit} bytes are accepted", limit=limit)


def read_json(body: bytes) -> Json:
    """Parse JSON that every reader reads alike; raise Unreadable for anything else."""
    document = _parse(body)
    # Only nesting and escapes need a walk; most documents have hardly any.
    if body.count(b"[") + body.count(b"{") > MAXIMUM_DEPTH:
        _check_depth(document)
    if b"\\u" in body:
        check_text(_texts(document, ""))
    return document


def check_text(texts: Iterator[tuple[str, str]]) -> None:
    """Raise RuleViolated naming each field whose text can't be stored."""
    errors = [
        FieldError(_printable(field), _UNSTORABLE_MESSAGE)
        for field, text in texts
        if _UNSTORABLE.search(text)
    ]
    if errors:
        raise RuleViolated(_UNSTORABLE_MESSAGE, errors=errors)


def _parse(body: bytes) -> Json:
    if not body.strip():
        raise Unreadable("a JSON body is needed")
    try:
        return json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_bounded,
        )
    except UnicodeDecodeError as error:
        raise Unreadable(
            "the body is not UTF-8 at byte {byte}", byte=error.start
        ) from None
    except json.JSONDecodeError as error:
        raise Unreadable(
            "the body is not JSON at line {line}, column {column}",
            line=error.lineno,
            column=error.colno,
        ) from None
    except RecursionError:
        raise _too_deep() from None


def _object(pairs: list[tuple[str, Json]]) -> Json:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Unreadable("a key is given twice in the same object")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise Unreadable("{name} is not JSON", name=name)


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise Unreadable("a number is too large")
    return number


def _bounded(text: str) -> int:
    # Python reads at most 4,300 digits; nobody needs more than twenty.
    if len(text) > len(str(-MAXIMUM_INTEGER)) or abs(int(text)) > MAXIMUM_INTEGER:
        raise Unreadable("a number is too large")
    return int(text)


def _check_depth(document: Json) -> None:
    level = [document]
    for _ in range(MAXIMUM_DEPTH + 1):
        level = [child for value in level for child in _children(value)]
        if not level:
            return
    raise _too_deep()


def _children(value: Json) -> Iterable[Json]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list) else ()


def _too_deep() -> Unreadable:
    return Unreadable("JSON may be nested at most {limit} deep", limit=MAXIMUM_DEPTH)


def _texts(value: Json, path: str) -> Iterator[tuple[str, str]]:
    """Yield every text of a document, keys too, with its dotted path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, child in value.items():
            below = f"{path}.{key}" if path else key
            yield below, key
            yield from _texts(child, below)
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _texts(child, f"{path}.{index}" if path else str(index))


def _printable(field: str) -> str:
    return _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", field) or "body"
