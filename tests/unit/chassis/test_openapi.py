"""The published document is valid OpenAPI 3.1 and says what the routes do."""

from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from chassis.http import document_of
from tests.unit.chassis.conftest import Serve
from tests.unit.chassis.things import things


@pytest.fixture
def document() -> dict[str, Any]:
    return document_of([things], title="Things")


async def test_the_document_is_published_and_valid(serve: Serve) -> None:
    client = await serve(things)
    async with client.get("/openapi.json") as answer:
        published = await answer.json()
    OpenAPIV31SpecValidator(published).validate()
    assert published["openapi"].startswith("3.1.")
    assert "jsonSchemaDialect" not in published


def test_components_have_the_models_names(document: dict[str, Any]) -> None:
    assert sorted(document["components"]["schemas"]) == [
        "Colour",
        "DateValue",
        "FieldProblem",
        "MakeThing",
        "MoneyValue",
        "Part",
        "Problem",
        "ThingView",
        "ThingViewPage",
    ]


def test_an_operation_says_all_that_a_client_must_know(
    document: dict[str, Any],
) -> None:
    operation = document["paths"]["/api/v1/things"]["post"]
    assert operation["operationId"] == "make_thing"
    assert operation["summary"] == "Make a thing"
    assert operation["description"] == "It is made at once."
    assert operation["tags"] == ["things"]
    assert operation["security"] == []
    assert operation["parameters"] == [
        {"$ref": "#/components/parameters/IdempotencyKey"}
    ]
    body = operation["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/MakeThing"}
    assert sorted(operation["responses"]) == [
        *("201", "400", "409", "413", "415", "422", "429", "503", "default")
    ]


def test_protected_operations_name_their_scheme_and_refusals(
    document: dict[str, Any],
) -> None:
    operation = document["paths"]["/api/v1/things/{thing_id}"]["get"]
    assert operation["security"] == [{"accessToken": []}]
    assert operation["x-policy"] == {
        "any_of": [
            {"kind": "customer", "permissions": ["billing"]},
            {"kind": "staff", "permissions": ["things.read"]},
        ]
    }
    assert {"401", "403", "404", "422"} <= set(operation["responses"])


def test_query_parameters_are_listed_with_their_limits(
    document: dict[str, Any],
) -> None:
    listed = document["paths"]["/api/v1/things"]["get"]["parameters"]
    parameters = {parameter["name"]: parameter for parameter in listed}
    assert parameters["limit"]["schema"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 100,
        "default": 20,
        "title": "Limit",
    }
    assert parameters["colour"]["schema"] == {"$ref": "#/components/schemas/Colour"}
    assert not any(parameter["required"] for parameter in listed)


def test_files_go_in_and_out_as_what_they_are(document: dict[str, Any]) -> None:
    upload = document["paths"]["/api/v1/files"]["post"]["requestBody"]["content"]
    download = document["paths"]["/api/v1/files/{name}"]["get"]["responses"]["200"]
    assert list(upload) == ["multipart/form-data"]
    assert list(download["content"]) == ["application/pdf"]


def test_problems_are_described_once(document: dict[str, Any]) -> None:
    responses = document["components"]["responses"]
    assert "Retry-After" in responses["TooManyRequests"]["headers"]
    for response in responses.values():
        assert list(response["content"]) == ["application/problem+json"]
