"""What is told about a fault is a template and its values, typed as they are."""

import json
from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import AfterValidator, Field, ValidationError

from chassis.errors import BadValue, DomainError, FieldError, RuleViolated, Text, Value
from chassis.http import Body
from chassis.http.problems import problem_of
from chassis.http.wording import invalid_request
from chassis.money import Money


def _even(number: int) -> int:
    if number % 2:
        raise BadValue("must be even, unlike {number}", number=number)
    return number


def _odd_words(_: object) -> object:
    raise ValueError("must have {braces} and {0}")


class Thing(Body):
    name: Annotated[str, Field(min_length=1, max_length=1000)] = "x"
    colour: Literal["red", "dark blue", "green"] = "red"
    size: Annotated[int, Field(le=5000), AfterValidator(_even)] = 2
    odd: Annotated[str, AfterValidator(_odd_words)] = ""


def fault_in(**fields: Any) -> FieldError:
    with pytest.raises(ValidationError) as refused:
        Thing.model_validate(fields)
    (fault,) = invalid_request(refused.value, whole="body").errors
    return fault


def document_of(error: DomainError) -> dict[str, Any]:
    body = problem_of(error, "/things").body
    assert isinstance(body, bytes)
    return json.loads(body)


@pytest.mark.parametrize(
    ("fields", "template", "values"),
    [
        (
            {"name": "x" * 1001},
            "must have at most {max_length} characters",
            {"max_length": 1000},
        ),
        (
            {"name": ""},
            "must have at least {min_length} character",
            {"min_length": 1},
        ),
        ({"size": 5001}, "must be at most {le}", {"le": 5000}),
        ({"size": 3}, "must be even, unlike {number}", {"number": 3}),
        (
            {"colour": "grey"},
            "must be one of {expected}",
            {"expected": ["red", "dark blue", "green"]},
        ),
    ],
)
def test_a_limit_is_a_value_beside_its_template(
    fields: dict[str, Any], template: str, values: dict[str, Value]
) -> None:
    assert fault_in(**fields).text == Text(template, values)


def test_in_english_numbers_are_grouped_and_choices_listed() -> None:
    assert fault_in(name="x" * 1001).message == "must have at most 1,000 characters"
    assert fault_in(colour="").message == "must be one of red, dark blue, green"


def test_words_that_came_from_elsewhere_are_no_template() -> None:
    assert fault_in(odd="x").message == "Value error, must have {braces} and {0}"


def test_values_keep_their_kind_on_the_wire() -> None:
    error = RuleViolated(
        "{money} {day} {count} {id} {names} {words}",
        field="f",
        money=Money(1050, "BRL"),
        day=date(2026, 12, 1),
        count=1200,
        id=UUID(int=7),
        names=("a", "b"),
        words="2026-12-01",
    )
    document = document_of(error)
    assert document["values"] == {
        "money": {"amount": "10.50", "currency": "BRL"},
        "day": {"date": "2026-12-01"},
        "count": 1200,
        "id": str(UUID(int=7)),
        "names": ["a", "b"],
        "words": "2026-12-01",
    }
    assert document["detail"] == (
        f"10.50 BRL 2026-12-01 1,200 {UUID(int=7)} a, b 2026-12-01"
    )
    (fault,) = document["errors"]
    assert fault["values"] == document["values"]
    assert fault["message"] == document["detail"]


def test_braces_in_a_value_stay_as_they_are() -> None:
    error = RuleViolated("'{word}' is none", word="{word} {0.__class__}")
    assert error.detail == "'{word} {0.__class__}' is none"


def test_a_problem_of_faults_repeats_the_first_and_is_told_by_its_title() -> None:
    faults = [FieldError("a.{b}", "is required"), FieldError("c", "must be null")]
    document = document_of(RuleViolated.of(faults))
    assert document["detail"] == "a.{b} is required"
    assert (document["template"], document["values"]) == (document["title"], {})
    assert [fault["field"] for fault in document["errors"]] == ["a.{b}", "c"]
