"""Dates and instants as ISO 8601 alone: pydantic would read `0` as 1 January 1970."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

from pydantic import BaseModel

from chassis.errors import FieldError
from chassis.http.reader import Json
from chassis.http.wording import InvalidRequest, fault_of


def check_dates(model: BaseModel, given: Mapping[str, Json]) -> None:
    """Raise InvalidRequest for each date of `model` that `given` didn't spell out."""
    if _has_dates(type(model)):
        errors = tuple(_faults(model, given, ""))
        if errors:
            raise InvalidRequest.of(errors)


@cache
def _has_dates(model: type[BaseModel]) -> bool:
    return "'format': 'date" in str(model.model_json_schema())


def _faults(value: object, given: Json, path: str) -> Iterator[FieldError]:
    if isinstance(value, date) and isinstance(given, str):
        kind = "datetime" if isinstance(value, datetime) else "date"
        if not _is_spelt_out(given) or not _is_storable(value):
            yield fault_of(path, f"{kind}_parsing")
    for name, below, given_below in _children(value, given):
        yield from _faults(below, given_below, f"{path}.{name}" if path else name)


def _children(value: Any, given: Json) -> Iterator[tuple[str, Any, Json]]:
    if isinstance(value, BaseModel) and isinstance(given, Mapping):
        for name, given_below in given.items():
            yield name, getattr(value, name, None), given_below
    elif isinstance(value, list | tuple) and isinstance(given, list):
        for index, given_below in enumerate(given):
            yield str(index), value[index], given_below


def _is_spelt_out(text: str) -> bool:
    return "-" in text[1:]


def _is_storable(value: date) -> bool:
    # An offset can carry the first and the last day out of the calendar.
    try:
        return not isinstance(value, datetime) or bool(value.astimezone(UTC))
    except OverflowError:
        return False
