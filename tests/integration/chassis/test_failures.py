"""Handlers that fail, messages nobody can read, and what operators do about them."""

import asyncio
import json
from collections.abc import AsyncIterator
from itertools import count
from uuid import UUID

import pytest

from chassis import topology
from chassis.bus import connect
from chassis.db import DatabaseBusy
from chassis.deadletters import DeadLetter, DeadLetters, recording
from chassis.events import Envelope
from chassis.ids import uuid7
from chassis.inbox import Inbox
from tests.integration.chassis.queues import depth, put
from tests.integration.chassis.stage import Stage, a_change, until

#: Retries that a test can wait for; the queues keep their names.
FAST = {"5s": 0.1, "1m": 0.1, "10m": 0.1, "1h": 0.1}


@pytest.fixture(autouse=True)
def fast_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topology, "RETRIES", FAST)


@pytest.fixture
async def letters(stage: Stage) -> AsyncIterator[DeadLetters]:
    async with connect(stage.amqp_url, "operator") as connection:
        yield DeadLetters(connection, "probe")


async def test_what_fails_once_is_handled_at_its_retry(stage: Stage) -> None:
    change = a_change(fault="once")
    # By itself: beside a watermark its second try would come at once.
    async with stage.running("relay", "consumers", prefetch=1):
        await stage.emit(change)
        await stage.quiet()
    assert await stage.effects() == [(change.thing_id, 1)]


async def test_a_busy_database_only_delays_what_waits_for_its_retry(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    change, note, times = a_change(fault="once"), Inbox.note_retry, count()

    async def note_at_last(inbox: Inbox, envelope: Envelope, *, seconds: float) -> None:
        if next(times) < 2:
            raise DatabaseBusy
        await note(inbox, envelope, seconds=seconds)

    monkeypatch.setattr(Inbox, "note_retry", note_at_last)
    async with stage.running("relay", "consumers", prefetch=1):
        await stage.emit(change)
        await stage.quiet()
    assert await stage.effects() == [(change.thing_id, 1)]
    assert next(times) == 3


async def test_what_fails_alone_holds_up_no_neighbour(stage: Stage) -> None:
    good = [a_change() for _ in range(30)]
    bad = a_change(fault="always")
    await stage.emit(*good[:15], bad, *good[15:])
    async with stage.running("relay", "consumers"):
        await until(lambda: has_effects(stage, len(good)))
    assert sorted(await stage.effects()) == sorted((c.thing_id, 1) for c in good)


async def test_what_fails_at_every_step_of_the_ladder_is_kept_with_its_error(
    stage: Stage, letters: DeadLetters
) -> None:
    bad = a_change(fault="always")
    async with stage.running("relay", "consumers"):
        await stage.emit(bad)
        await until(lambda: is_dead(stage))
    [letter] = await letters.list()
    assert letter.type == "probe.thing.changed.v1"
    assert letter.attempts == len(FAST) + 1
    assert not await stage.fetch("SELECT 1 FROM retries")
    assert letter.error == "RuntimeError: this event always fails"
    assert json.loads(letter.body)["subject"] == str(bad.thing_id)
    assert await stage.effects() == []


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe not text",
        b"[]",
        b'{"specversion": "1.0"}',
        json.dumps(
            {
                "id": str(uuid7()),
                "type": "probe.thing.changed.v1",
                "source": "probe",
                "subject": str(uuid7()),
                "time": "2026-01-01T00:00:00Z",
                "correlationid": "c",
                "causationid": "c",
                "version": 1,
                "data": {"thing_id": "not an id", "version": 1, "name": "n"},
            }
        ).encode(),
    ],
)
async def test_what_cannot_be_read_is_dead_at_once_and_stops_nobody(
    stage: Stage, letters: DeadLetters, body: bytes
) -> None:
    good = a_change()
    await put(stage.amqp_url, body)
    async with stage.running("relay", "consumers"):
        await stage.emit(good)
        await stage.quiet()
        await until(lambda: is_dead(stage))
    [letter] = await letters.list()
    assert letter.attempts == 1
    assert letter.error.startswith("Poison: ")
    assert "not an id" not in letter.error
    assert await stage.effects() == [(good.thing_id, 1)]


@pytest.mark.parametrize("attempts", [1, 4, -7])
async def test_what_cannot_be_read_is_dead_once_whatever_it_says_of_attempts(
    stage: Stage, letters: DeadLetters, attempts: int
) -> None:
    good = a_change()
    await put(stage.amqp_url, b"unreadable", attempts=attempts)
    async with stage.running("relay", "consumers"):
        await stage.emit(good)
        await stage.quiet()
    [letter] = await letters.list()
    assert letter.attempts == max(attempts, 0) + 1
    assert await stage.effects() == [(good.thing_id, 1)]


@pytest.mark.parametrize(
    ("field", "value"), [("type", "pro\0be.v1"), ("time", "0001-01-01T00:00:00+14:00")]
)
async def test_what_postgres_cannot_note_is_retried_and_stops_nobody(
    stage: Stage, field: str, value: str
) -> None:
    good = a_change()
    await stage.emit(a_change(fault="always"), good)
    [row] = await stage.fetch("SELECT body FROM outbox ORDER BY seq LIMIT 1")
    body = json.loads(row["body"]) | {"id": str(uuid7()), field: value}
    await put(stage.amqp_url, json.dumps(body).encode())
    async with stage.running("relay", "consumers"):
        await until(lambda: is_dead(stage, 2))
        await until(lambda: has_effects(stage, 1))


async def test_an_event_of_a_later_release_gets_its_retries(
    stage: Stage, letters: DeadLetters
) -> None:
    change = a_change()
    await stage.emit(change)
    [row] = await stage.fetch("SELECT body FROM outbox")
    body = row["body"].replace("probe.thing.changed.v1", "probe.thing.changed.v2")
    await put(stage.amqp_url, body.encode(), type_="probe.thing.changed.v2")
    async with stage.running("consumers"):
        await until(lambda: is_dead(stage))
    [letter] = await letters.list()
    assert letter.attempts == len(FAST) + 1
    # No handler was called, and yet it is no longer awaited.
    assert not await stage.fetch("SELECT 1 FROM retries")


async def test_dead_letters_are_listed_shown_replayed_and_dropped(
    stage: Stage, letters: DeadLetters, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = (a_change(fault="always") for _ in range(3))
    async with stage.running("relay", "consumers"):
        await stage.emit(first, second, third)
        await until(lambda: is_dead(stage, 3))

    listed = await letters.list()
    assert len(listed) == len(await letters.list()) == 3
    by_thing = {UUID(json.loads(one.body)["subject"]): one for one in listed}
    chosen = by_thing[first.thing_id]
    assert await letters.find(chosen.message_id) == chosen
    assert await letters.find("unknown") is None

    record = recording(stage.db, "it must never happen", "system:operator")
    assert await letters.drop(by_thing[second.thing_id].message_id, record) == 1
    [noted] = await stage.fetch("SELECT action, actor, subject, details FROM audit_log")
    assert noted["subject"] == second.thing_id
    assert noted["details"]["reason"] == "it must never happen"
    monkeypatch.setattr("tests.integration.chassis.probe.app.misbehave", forgive)
    async with stage.running("consumers"):
        assert await letters.replay(chosen.message_id) == 1
        await until(lambda: has_effects(stage, 1))
        assert await letters.replay() == 1
        await until(lambda: has_effects(stage, 2))
    assert sorted(await stage.effects()) == sorted(
        (c.thing_id, 1) for c in (first, third)
    )
    assert await letters.list() == []


async def test_operators_see_dead_letters_on_the_command_line(stage: Stage) -> None:
    await put(stage.amqp_url, b"unreadable")
    async with stage.running("consumers"):
        await until(lambda: is_dead(stage))
    listed = await stage.command("dead-letters", "list")
    assert [line["message_id"] for line in listed] == ["put-0"]
    [shown] = await stage.command("dead-letters", "show", "put-0")
    assert shown["body"] == "unreadable"
    drop = ("dead-letters", "drop", "put-0", "--because", "nobody can read it")
    assert await stage.command(*drop) == [{"drop": 1}]
    [noted] = await stage.fetch("SELECT details FROM audit_log")
    assert noted["details"]["reason"] == "nobody can read it"
    assert await is_dead(stage, 0)


def test_what_looks_like_a_secret_is_not_shown() -> None:
    letter = DeadLetter(
        message_id="1",
        type="probe.thing.changed.v1",
        attempts=1,
        error="",
        failed_at=None,
        body=json.dumps({"data": [{"reset_token": "abc", "name": "Ana"}]}),
    )
    assert "abc" not in letter.masked_body
    assert "Ana" in letter.masked_body


async def test_republishing_rebuilds_a_projection_and_causes_nothing_else(
    stage: Stage,
) -> None:
    newer = a_change(version=9)
    async with stage.db.transaction() as tx:
        await tx.execute(
            """
            INSERT INTO originals (thing_id, version, name)
            SELECT gen_random_uuid(), 3, 'original' FROM generate_series(1, 600)
            """
        )
        await tx.execute(
            "INSERT INTO originals (thing_id, version, name) VALUES ($1, 3, 'old')",
            newer.thing_id,
        )
    async with stage.running("relay", "consumers"):
        await stage.emit(newer)
        for _ in range(2):
            assert await stage.command("republish", "things") == [{"republished": 601}]
        await stage.quiet()
    assert await stage.effects() == [(newer.thing_id, 9)]
    rows = await stage.fetch("SELECT version, count(*) AS n FROM things GROUP BY 1")
    assert {row["version"]: row["n"] for row in rows} == {3: 600, 9: 1}


def forgive(_event: object) -> None:
    """Fail no more."""


async def has_effects(stage: Stage, count: int) -> bool:
    return len(await stage.effects()) == count


async def is_dead(stage: Stage, count: int = 1) -> bool:
    """Whether so many are dead; to look takes a connection, so it looks unhurriedly."""
    await asyncio.sleep(0.1)
    return await depth(stage.amqp_url, "probe.dead") == count
