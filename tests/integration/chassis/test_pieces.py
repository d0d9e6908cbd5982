"""The plumbing's smaller pieces: blobs, logs, envelopes, the schema as text."""

import json
import logging
from pathlib import Path
from uuid import uuid4

import pytest
import structlog

from chassis.blobs import Blobs
from chassis.context import Cause, because_of
from chassis.errors import NotFound
from chassis.events import Envelope
from chassis.logs import configure_logs
from chassis.outbox import row_of
from chassis.schema import dump_schema
from chassis.topology import dead_queue, queues_of, retry_queue
from tests.integration.chassis.probe.app import ThingChanged
from tests.integration.chassis.stage import Stage, a_change


async def test_a_blob_comes_back_as_it_went_and_can_be_deleted_twice(
    tmp_path: Path,
) -> None:
    blobs, key, content = Blobs(tmp_path), str(uuid4()), bytes(range(256)) * 1000
    await blobs.put(key, content)
    assert await blobs.get(key) == content
    await blobs.put(key, b"newer")
    assert await blobs.get(key) == b"newer"
    for _ in range(2):
        await blobs.delete(key)
    with pytest.raises(NotFound):
        await blobs.get(key)
    assert not any(path.is_file() for path in all_below(tmp_path))


def all_below(folder: Path) -> list[Path]:
    return list(folder.rglob("*"))


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "a/b/c/d/e/f", "." * 20])
async def test_a_blobs_key_leads_nowhere_else(tmp_path: Path, key: str) -> None:
    with pytest.raises(ValueError, match="not a key"):
        await Blobs(tmp_path).put(key, b"")


def test_an_event_on_the_wire_is_a_cloud_event() -> None:
    change = a_change()
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with because_of(Cause("cause", "first cause", "staff:1", trace)):
        row = row_of(change, "probe")
    envelope = Envelope.read(row[9].encode())
    assert envelope.specversion == "1.0"
    assert (envelope.type, envelope.source) == ("probe.thing.changed.v1", "probe")
    assert (envelope.subject, envelope.version) == (change.thing_id, 1)
    assert (envelope.causationid, envelope.correlationid) == ("cause", "first cause")
    assert envelope.traceparent == trace
    assert ThingChanged.model_validate(envelope.data) == change


def test_a_log_line_is_json_and_names_its_cause(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.root, "handlers", [])
    before = structlog.get_config()
    try:
        configure_logs("probe", "INFO")
        with because_of(Cause("request", "first", "customer:1", "00-trace-span-01")):
            structlog.get_logger("http").info("answered", status=200)
            logging.getLogger("library").warning("from %s", "elsewhere")
    finally:
        structlog.configure(**before)
    ours, theirs = map(json.loads, capsys.readouterr().err.splitlines())
    assert ours["message"] == "answered"
    assert (ours["process"], ours["level"], ours["status"]) == ("probe", "info", 200)
    for line in (ours, theirs):
        assert (line["request_id"], line["trace_id"]) == ("request", "trace")
    assert theirs["message"] == "from elsewhere"


async def test_a_schema_as_text_tells_the_schema_and_not_the_program(
    stage: Stage,
) -> None:
    text = await dump_schema(stage.database.owner_url, "probe")
    assert "CREATE TABLE probe.effects" in text
    assert "CREATE UNIQUE INDEX outbox_version_key" in text
    assert "pg_dump" not in text
    assert "\\restrict" not in text
    assert text == await dump_schema(stage.database.owner_url, "probe")


def test_the_ladder_has_four_steps_and_ends_among_the_dead() -> None:
    steps = [retry_queue("tickets", attempt) for attempt in range(1, 6)]
    assert steps == [
        "tickets.retry.5s",
        "tickets.retry.1m",
        "tickets.retry.10m",
        "tickets.retry.1h",
        None,
    ]
    assert dead_queue("tickets") == "tickets.dead"


def test_every_queue_is_replicated_limited_and_loses_nothing_when_it_gives_up() -> None:
    for queue in queues_of({"probe": (ThingChanged,)}):
        assert queue.arguments["x-queue-type"] == "quorum"
        if queue.name == "probe.dead":
            continue
        assert queue.arguments["x-dead-letter-strategy"] == "at-least-once"
        assert queue.arguments["x-overflow"] == "reject-publish"
        if queue.name == "probe":
            assert queue.arguments["x-delivery-limit"] == 60
            assert queue.arguments["x-single-active-consumer"]
