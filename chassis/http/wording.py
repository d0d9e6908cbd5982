"""Pydantic's findings in plain words: which field, and what its limit is."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from chassis.errors import FieldError, RuleViolated

#: More findings than this tell nobody anything.
MAXIMUM_ERRORS = 50
MAXIMUM_PATH_CHARACTERS = 200


class InvalidRequest(RuleViolated):
    """A field is missing or wrong."""


def invalid_request(error: ValidationError, *, whole: str) -> InvalidRequest:
    """Return the validation's findings as a problem; `whole` names the root."""
    details = error.errors(include_url=False, include_input=False)
    errors = tuple(
        FieldError(_path(item["loc"]) or whole, message(item))
        for item in details[:MAXIMUM_ERRORS]
    )
    first = errors[0]
    return InvalidRequest(f"{first.field} {first.message}", errors=errors)


def _path(location: tuple[int | str, ...]) -> str:
    # An unknown field's name is as long as its sender likes.
    return ".".join(map(str, location))[:MAXIMUM_PATH_CHARACTERS]


def message(item: ErrorDetails) -> str:
    """Say what one field must be, with its limit."""
    kind, context = item["type"], item.get("ctx", {})
    if kind in _COUNTED:
        limit, few, many = _COUNTED[kind]
        return _counted(context[limit], few, many)
    template = _WORDS.get(kind)
    if template is None:
        return _from_pydantic(item)
    return template.format_map(context)


def words_for(kind: str) -> str:
    """Return the words for a kind of fault that has no limit to name."""
    return _WORDS[kind]


_WORDS: Mapping[str, str] = {
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
    "enum": "must be {expected}",
    "literal_error": "must be {expected}",
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
_COUNTED: Mapping[str, tuple[str, str, str]] = {
    "string_too_short": ("min_length", "must have at least", "character"),
    "string_too_long": ("max_length", "must have at most", "character"),
    "too_short": ("min_length", "must have at least", "item"),
    "too_long": ("max_length", "must have at most", "item"),
}


def _counted(limit: int, start: str, noun: str) -> str:
    return f"{start} {limit:,} {noun}{'' if limit == 1 else 's'}"


def _from_pydantic(item: Mapping[str, Any]) -> str:
    # Validators of our own raise ValueError, whose text is already meant for people.
    text = str(item["msg"])
    for prefix in ("Value error, ", "Assertion failed, "):
        text = text.removeprefix(prefix)
    return text.replace("Input should be", "must be")
