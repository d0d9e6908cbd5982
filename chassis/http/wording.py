"""Pydantic's findings in plain words: which field, and what its limit is."""

import re
import string
from collections.abc import Mapping
from datetime import date
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from chassis.errors import BadValue, FieldError, RuleViolated, Value

#: More findings than this tell nobody anything.
MAXIMUM_ERRORS = 50
MAXIMUM_PATH_CHARACTERS = 200


class InvalidRequest(RuleViolated):
    """A field is missing or wrong."""


def invalid_request(error: ValidationError, *, whole: str) -> InvalidRequest:
    """Return the validation's findings as a problem; `whole` names the root."""
    details = error.errors(include_url=False, include_input=False)
    return InvalidRequest.of(
        [_fault(_path(item["loc"]) or whole, item) for item in details[:MAXIMUM_ERRORS]]
    )


def fault_of(field: str, kind: str) -> FieldError:
    """Return a field's fault of a kind that has no limit to name."""
    return FieldError(field, WORDS[kind])


def _path(location: tuple[int | str, ...]) -> str:
    # An unknown field's name is as long as its sender likes.
    return ".".join(map(str, location))[:MAXIMUM_PATH_CHARACTERS]


def _fault(field: str, item: ErrorDetails) -> FieldError:
    """Say what one field must be, with its limit."""
    kind, context = item["type"], item.get("ctx", {})
    found = context.get("error")
    if isinstance(found, BadValue):
        return FieldError(field, found.text.template, **found.text.values)
    template = _template(kind, context)
    if template is None:
        return FieldError(field, _from_pydantic(item))
    names = {name for _, name, _, _ in string.Formatter().parse(template) if name}
    return FieldError(
        field, template, **{name: _value(context, name) for name in names}
    )


def _template(kind: str, context: Mapping[str, Any]) -> str | None:
    if kind in WORDS_BY_COUNT:
        limit, one, several = WORDS_BY_COUNT[kind]
        return one if context[limit] == 1 else several
    return WORDS.get(kind)


def _value(context: Mapping[str, Any], name: str) -> Value:
    value = context[name]
    if name in _CHOICES:
        return [choice.strip("'") for choice in re.split(r", | or ", value)]
    # Numbers other than whole ones keep the digits that they were written with.
    return value if isinstance(value, int | date) else str(value)


#: What pydantic says as `'a', 'b' or 'c'`.
_CHOICES = frozenset({"expected", "expected_tags"})
WORDS: Mapping[str, str] = {
    "missing": "is required",
    "extra_forbidden": "is not a known field",
    "none_required": "must be null",
    "string_type": "must be a text",
    "string_sub_type": "must be a text",
    "string_unicode": "must be a text",
    "string_pattern_mismatch": "must match the pattern {pattern}",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a whole number with fewer digits",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "uuid_type": "must be an id (UUID)",
    "uuid_parsing": "must be an id (UUID)",
    "uuid_version": "must be an id (UUID version {expected_version})",
    "date_type": "must be a date like 2026-12-01",
    "date_parsing": "must be a date like 2026-12-01",
    "date_from_datetime_parsing": "must be a date like 2026-12-01",
    "date_from_datetime_inexact": "must be a date like 2026-12-01",
    "date_past": "must be a date in the past",
    "date_future": "must be a date in the future",
    "datetime_type": "must be an instant like 2026-12-01T09:30:00Z",
    "datetime_parsing": "must be an instant like 2026-12-01T09:30:00Z",
    "datetime_from_date_parsing": "must be an instant like 2026-12-01T09:30:00Z",
    "datetime_object_invalid": "must be an instant like 2026-12-01T09:30:00Z",
    "timezone_aware": "must be an instant with its offset, like 2026-12-01T09:30:00Z",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "multiple_of": "must be a multiple of {multiple_of}",
    "enum": "must be one of {expected}",
    "literal_error": "must be one of {expected}",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "set_type": "must be a list",
    "frozen_set_type": "must be a list",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "union_tag_not_found": "must name its kind in {discriminator}",
    "union_tag_invalid": "must have one of {expected_tags} in {discriminator}",
}
#: The limit's name, the words where it is one, and where it is any other number.
WORDS_BY_COUNT: Mapping[str, tuple[str, str, str]] = {
    "string_too_short": (
        "min_length",
        "must have at least {min_length} character",
        "must have at least {min_length} characters",
    ),
    "string_too_long": (
        "max_length",
        "must have at most {max_length} character",
        "must have at most {max_length} characters",
    ),
    "too_short": (
        "min_length",
        "must have at least {min_length} item",
        "must have at least {min_length} items",
    ),
    "too_long": (
        "max_length",
        "must have at most {max_length} item",
        "must have at most {max_length} items",
    ),
}


def _from_pydantic(item: ErrorDetails) -> str:
    text = item["msg"].replace("Input should be", "must be")
    return text.replace("{", "{{").replace("}", "}}")
