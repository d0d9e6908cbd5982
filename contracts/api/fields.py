"""Kinds of fields that several services' APIs share.

`ONE_LINE`, `DISTINCT` and `Shape` come last in an `Annotated`: limits after them would
miss the schema.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, StringConstraints
from pydantic.annotated_handlers import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from chassis.errors import BadValue

T = TypeVar("T")

#: Unicode's categories of control characters, line and paragraph separators.
_BREAKS = frozenset({"Cc", "Zl", "Zp"})
#: The same as a pattern, for clients.
_LINE = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$"


class _OneLine:
    """Refuses line breaks and control characters, which mails and paper trip over."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(_one_line, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(schema), "pattern": _LINE}


class _Distinct:
    """Refuses a list that names something twice."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(_distinct, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(schema), "uniqueItems": True}


class Shape:
    """Refuses what doesn't match a pattern, in words that people understand."""

    def __init__(self, pattern: str, fault: str) -> None:
        self._pattern = re.compile(pattern, re.ASCII)
        self._fault = fault

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_after_validator_function(
            self._check, handler(source)
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(schema), "pattern": self._pattern.pattern}

    def _check(self, text: str) -> str:
        if not self._pattern.fullmatch(text):
            raise BadValue(self._fault)
        return text


ONE_LINE = _OneLine()
DISTINCT = _Distinct()

Language = Literal["en", "pt-BR"]
#: What staff looks for.
Search = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)
]


def _one_line(text: str) -> str:
    if any(unicodedata.category(character) in _BREAKS for character in text):
        raise BadValue("must be one line without control characters")
    return text


def _distinct(items: Sequence[T]) -> Sequence[T]:
    if len(set(items)) != len(items):
        raise BadValue("must not name anything twice")
    return items


def _refuse_null(value: object) -> object:
    if value is None:
        raise BadValue("must not be null")
    return value


def _without_null(schema: dict[str, Any]) -> None:
    """Describe the value that is taken, not the null that stands for its absence."""
    value, _ = schema.pop("anyOf")
    schema.pop("default")
    schema |= value


#: A field of a change: left out it stays as it is, and it can't be removed.
Given = Annotated[
    T | None, BeforeValidator(_refuse_null), Field(json_schema_extra=_without_null)
]
