"""The services' documents become one: nothing in it may mean two things."""

from itertools import combinations
from typing import Any

import pytest

from chassis.http import document_of
from deploy.processes import PROCESSES

DOCUMENTS = {
    process.name: document_of(process.routes, title=process.name)
    for process in PROCESSES
}
PAIRS = list(combinations(DOCUMENTS, 2))


def operations(document: dict[str, Any]) -> set[str]:
    paths: dict[str, dict[str, dict[str, str]]] = document["paths"]
    return {o["operationId"] for item in paths.values() for o in item.values()}


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_a_component_has_one_shape_in_all_services(one: str, other: str) -> None:
    for kind, entries in DOCUMENTS[one]["components"].items():
        others = DOCUMENTS[other]["components"][kind]
        shared = entries.keys() & others.keys()
        assert {n: entries[n] for n in shared} == {n: others[n] for n in shared}


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_an_operation_has_its_name_alone(one: str, other: str) -> None:
    assert not operations(DOCUMENTS[one]) & operations(DOCUMENTS[other])


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_list_has_the_same_frame(name: str) -> None:
    schemas: dict[str, dict[str, Any]] = DOCUMENTS[name]["components"]["schemas"]
    frames = [s["properties"].keys() for n, s in schemas.items() if n.endswith("Page")]
    assert all(frame == {"items", "next", "total"} for frame in frames)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_is_answered_is_called_a_view(name: str) -> None:
    """Bodies are named by what they ask for; parts of both are the exceptions."""
    parts = {"MoneyModel", "Problem", "FieldProblem"}
    answers = {
        schema.rpartition("/")[2]
        for item in DOCUMENTS[name]["paths"].values()
        for operation in item.values()
        for schema in _answers(operation)
    }
    assert {a for a in answers - parts if not a.endswith(("View", "Page"))} == set()


def _answers(operation: dict[str, Any]) -> list[str]:
    responses: dict[str, dict[str, Any]] = operation["responses"]
    return [
        content["schema"]["$ref"]
        for status, response in responses.items()
        if status.startswith("2")
        for content in response.get("content", {}).values()
        if "$ref" in content["schema"]
    ]
