"""The AsyncAPI document: valid, and what really travels."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from chassis.events import REGISTRY, Envelope
from contracts.subscriptions import SUBSCRIPTIONS
from deploy.asyncapi import document
from deploy.eventpages import html_page, markdown_page

ASSETS = Path(__file__).parents[3] / "gateway" / "assets"
SPECIFICATION = ASSETS / "node_modules/@asyncapi/specs/schemas/3.0.0.json"


@pytest.fixture(scope="module")
def content() -> dict[str, Any]:
    return json.loads(json.dumps(document()))


def test_the_document_is_valid_asyncapi_3(content: dict[str, Any]) -> None:
    specification = json.loads(SPECIFICATION.read_text())
    specified: Any = jsonschema.Draft7Validator(specification)
    assert [fault.message for fault in specified.iter_errors(content)] == []


def test_an_unknown_action_would_not_be_valid(content: dict[str, Any]) -> None:
    spoilt = json.loads(json.dumps(content))
    next(iter(spoilt["operations"].values()))["action"] = "shout"
    specification = json.loads(SPECIFICATION.read_text())
    specified: Any = jsonschema.Draft7Validator(specification)
    assert not specified.is_valid(spoilt)


def test_every_event_has_a_channel_and_its_emitter_sends_on_it(
    content: dict[str, Any],
) -> None:
    assert content["channels"].keys() == REGISTRY.keys()
    for name in REGISTRY:
        assert f"{name.partition('.')[0]}.sends.{name}" in content["operations"]


def test_who_receives_is_who_subscribes(content: dict[str, Any]) -> None:
    received = {
        name for name, said in content["operations"].items() if "x-queue" in said
    }
    assert received == {
        f"{consumer}.receives.{event.TYPE}"
        for consumer, events in SUBSCRIPTIONS.items()
        for event in events
    }


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_an_example_is_an_event_that_its_readers_can_read(
    content: dict[str, Any], name: str
) -> None:
    event = REGISTRY[name]
    [example] = content["components"]["messages"][event.__name__]["examples"]
    envelope = Envelope.model_validate(example["payload"])
    read = event.model_validate(envelope.data)
    assert read.subject == envelope.subject
    assert read.version == envelope.version


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_an_example_is_what_its_payload_says(
    content: dict[str, Any], name: str
) -> None:
    message = content["components"]["messages"][REGISTRY[name].__name__]
    schema = {**message["payload"], "components": content["components"]}
    [example] = message["examples"]
    described: Any = jsonschema.Draft202012Validator(schema)
    described.validate(example["payload"])


def test_the_pages_name_every_event_and_who_hears_it() -> None:
    page, listed = html_page(), markdown_page()
    for name in REGISTRY:
        assert f'<section id="{name}">' in page
        assert f"| `{name}` |" in listed
    assert "| accounts | gateway |" in listed, "who hears that a session ended"
