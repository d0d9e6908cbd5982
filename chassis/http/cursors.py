"""Cursors: where a page ended, as text that clients hand back unread."""

import base64
import binascii
import json
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter, ValidationError

from chassis.errors import Unreadable

CursorValue = str | int | bool | datetime | date | UUID | None


class BadCursor(Unreadable):
    """The cursor is not one that this list gave out."""


def encode_cursor(*values: CursorValue) -> str:
    """Return the values of the last item's sort key as a cursor."""
    plain = [v if isinstance(v, str | int | None) else str(v) for v in values]
    text = json.dumps(plain, separators=(",", ":"), ensure_ascii=False)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def decode_cursor(cursor: str | None, *types: Any) -> Any:
    """Read a cursor back as a tuple of these types; None when there is none."""
    if cursor is None:
        return None
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True)
        return TypeAdapter(tuple[types]).validate_json(text)
    except (ValueError, binascii.Error, ValidationError):
        raise BadCursor from None
