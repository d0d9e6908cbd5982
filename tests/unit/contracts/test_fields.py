"""Kinds of fields that services share: what they refuse is what they publish."""

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, StringConstraints, ValidationError

from chassis.http import Body
from contracts.api.fields import DISTINCT, ONE_LINE, Given, Shape


class Thing(Body):
    name: Annotated[str, StringConstraints(max_length=10), ONE_LINE] = ""
    numbers: Annotated[tuple[int, ...], Field(max_length=3), DISTINCT] = ()
    kind: Given[str] = None
    code: Annotated[str, Shape(r"^[a-z]{2}$", "must be two letters, such as br")] = "br"


def fault_in(model: type[BaseModel], **fields: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        model(**fields)
    (fault,) = refused.value.errors()
    return fault["msg"]


@pytest.mark.parametrize("character", ["\n", "\r", "\t", "\x7f", "\x85", "\u2028"])
def test_one_line_holds_neither_breaks_nor_control_characters(character: str) -> None:
    assert "one line" in fault_in(Thing, name=f"a{character}b")


def test_one_line_may_hold_what_people_write() -> None:
    assert Thing(name="Ção “é” 🙂").name == "Ção “é” 🙂"


def test_a_list_of_distinct_things_names_none_twice() -> None:
    assert "twice" in fault_in(Thing, numbers=(1, 2, 1))
    assert Thing(numbers=(1, 2, 3)).numbers == (1, 2, 3)


def test_a_given_field_may_be_left_out_and_not_be_null() -> None:
    assert Thing().model_fields_set == set()
    assert "null" in fault_in(Thing, kind=None)


@pytest.mark.parametrize("code", ["", "BR", "bra", "br\n", "br ", "ⅳⅳ"])
def test_a_shape_is_asked_for_in_words(code: str) -> None:
    assert fault_in(Thing, code=code).endswith("must be two letters, such as br")


def test_the_published_schema_names_the_limits() -> None:
    fields = Thing.model_json_schema()["properties"]
    assert fields["name"]["maxLength"] == 10
    assert fields["name"]["pattern"].startswith("^[^")
    assert fields["code"]["pattern"] == "^[a-z]{2}$"
    assert fields["numbers"] | {"maxItems": 3, "uniqueItems": True} == fields["numbers"]
    assert fields["kind"] == {"title": "Kind", "type": "string"}
