"""Cursors: where a page ended, as text that clients hand back unread."""

import base64
import json
from datetime import UTC, date, datetime
from functools import cache
from typing import Annotated, Any, TypeAlias, TypeVar, overload
from uuid import UUID

from pydantic import AfterValidator, AwareDatetime, Field, TypeAdapter

from chassis.errors import RuleViolated, Unreadable
from chassis.http.reader import MAXIMUM_INTEGER, check_text

CursorValue: TypeAlias = str | int | datetime | date | UUID | None

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")


class BadCursor(Unreadable):
    """The cursor is not one that this list gave out."""


def encode_cursor(*values: CursorValue) -> str:
    """Return the values of the last item's sort key as a cursor."""
    text = json.dumps([_plain(value) for value in values], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


@overload
def decode_cursor(cursor: str | None, first: type[A], /) -> tuple[A] | None: ...
@overload
def decode_cursor(
    cursor: str | None, first: type[A], second: type[B], /
) -> tuple[A, B] | None: ...
@overload
def decode_cursor(
    cursor: str | None, first: type[A], second: type[B], third: type[C], /
) -> tuple[A, B, C] | None: ...
def decode_cursor(cursor: str | None, *types: type[Any]) -> tuple[Any, ...] | None:
    """Read a cursor back as values of these types; None when there is none."""
    if cursor is None:
        return None
    try:
        values = _read(cursor)
        return tuple(
            _adapter(kind).validate_python(value)
            for kind, value in zip(types, values, strict=True)
        )
    except (ValueError, TypeError, OverflowError, RecursionError, RuleViolated):
        raise BadCursor from None


def _in_utc(value: datetime) -> datetime:
    # An offset can carry the first and the last day out of the calendar.
    return value.astimezone(UTC)


#: A cursor may be forged: what the database couldn't take is refused here.
_STORABLE: dict[type, Any] = {
    datetime: Annotated[AwareDatetime, AfterValidator(_in_utc)],
    int: Annotated[int, Field(ge=-MAXIMUM_INTEGER, le=MAXIMUM_INTEGER)],
}


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    # Making one takes longer than all the rest of reading a cursor.
    return TypeAdapter(_STORABLE.get(kind, kind))


def _plain(value: CursorValue) -> str | int | None:
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value


def _read(cursor: str) -> list[Any]:
    padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
    text = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    values = json.loads(text)
    check_text(("cursor", value) for value in values if isinstance(value, str))
    return values
