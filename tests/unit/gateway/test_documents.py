"""The services' documents become one: nothing in it may mean two things."""

import json
import re
from itertools import combinations
from typing import Any

import pytest

from chassis.http import document_of
from deploy.processes import PROCESSES
from gateway.documents import merge

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


def test_the_whole_document_tells_nothing_of_what_is_for_processes_alone() -> None:
    services = {name: d for name, d in DOCUMENTS.items() if name != "gateway"}
    assert "/internal/browser-sessions" in services["accounts"]["paths"]
    merged = merge(DOCUMENTS["gateway"], services)
    assert all(path.startswith("/api/v1/") for path in merged["paths"])
    text = json.dumps(merged).lower()
    assert "browsersession" not in text
    assert "browser-session" not in text
    assert "publickey" not in text
    assert "SessionTokensView" in merged["components"]["schemas"]
    assert {tag["name"] for tag in merged["tags"]} >= {"sessions", "invoices"}
    assert "browser sessions" not in {tag["name"] for tag in merged["tags"]}


def test_every_reference_of_the_whole_document_leads_somewhere() -> None:
    services = {name: d for name, d in DOCUMENTS.items() if name != "gateway"}
    merged = merge(DOCUMENTS["gateway"], services)
    for reference in re.findall(r'"#/components/([^"]+)"', json.dumps(merged)):
        kind, _, name = reference.partition("/")
        assert name in merged["components"][kind]


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
