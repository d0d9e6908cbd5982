"""What operators type at `dead-letters`, and what strangers left there to read."""

import asyncio
import json
import os
from collections.abc import AsyncIterator

import pytest

from chassis.bus import Message, Publisher, connect
from chassis.commands import main
from chassis.deadletters import DeadLetters
from chassis.ids import uuid7
from chassis.inbox import Poison, read
from chassis.receiver import ERROR, FAILED_AT
from chassis.topology import dead_queue
from tests.integration.chassis.probe.app import PROCESS
from tests.integration.chassis.queues import delete_queue, depth
from tests.integration.chassis.stage import PROBE, REPOSITORY, Stage

DROP = ["drop", "one", "--because"]


@pytest.fixture
async def letters(stage: Stage) -> AsyncIterator[DeadLetters]:
    async with connect(stage.amqp_url, "operator") as connection:
        yield DeadLetters(connection, "probe")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ([], "required: ACTION"),
        (["list", "--limit", "0"], "--limit: a number of dead letters, 1 to 10000"),
        (["list", "--limit", "-1"], "--limit: a number of dead letters, 1 to 10000"),
        (["list", "--limit", "9" * 5000], "--limit: a number of dead letters, 1 to"),
        (["list", "--limit", "1_0"], "--limit: a number of dead letters, 1 to 10000"),
        (["list", "--limit", ""], "--limit: a number of dead letters, 1 to 10000"),
        (["list", "one"], "unrecognized arguments: one"),
        (["show"], "required: id"),
        (["show", "--all"], "required: id"),
        (["replay"], "one of the arguments id --all is required"),
        (["replay", "one", "--all"], "--all: not allowed with argument id"),
        (["drop", "one"], "required: --because"),
        ([*DROP, " "], "--because: a text in one line, 1 to 1000 characters, not ' '"),
        ([*DROP, "a\nb"], "--because: a text in one line, 1 to 1000 characters"),
        ([*DROP, "a\udcffb"], "--because: a text in one line, 1 to 1000 characters"),
        ([*DROP, "a" * 1001], "--because: a text in one line, 1 to 1000 characters"),
    ],
)
def test_what_can_not_be_meant_is_refused_before_anything_is_reached(
    typed: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.argv", ["probe", "dead-letters", *typed])
    with pytest.raises(SystemExit) as ended:
        main(PROCESS)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    "typed",
    [["show", "é"], ["replay", ""], ["drop", "two", "--because", "unwanted"]],
)
async def test_an_id_that_nothing_has_is_said_and_takes_nothing_away(
    stage: Stage, typed: list[str]
) -> None:
    await bury(stage)
    code, lines = await run(stage, *typed)
    assert code == 1
    assert lines == [f"no dead letter has the id {typed[1]!r}; `list` shows all"]
    assert await depth(stage.amqp_url, dead_queue("probe")) == 1


async def test_a_queue_that_is_missing_is_one_line(stage: Stage) -> None:
    await delete_queue(stage.amqp_url, dead_queue("probe"))
    code, lines = await run(stage, "list")
    assert code == 1
    assert lines == ["probe: there is no queue probe.dead: run `migrate`"]


async def test_a_connection_that_is_lost_before_its_channel_is_the_broker_s_fault(
    stage: Stage,
) -> None:
    async def lose_it() -> None:
        async with connect(stage.amqp_url, "operator") as connection:
            assert connection.transport is not None
            await connection.transport.connection.close()
            await DeadLetters(connection, "probe").list()

    with pytest.raises(ConnectionError, match="the connection was lost"):
        await lose_it()


async def test_a_stranger_s_letter_is_shown_whatever_is_in_it(
    stage: Stage, letters: DeadLetters
) -> None:
    await bury(stage, b'"\\ud800"', {FAILED_AT: "yesterday", ERROR: "\x1b[2J\nok"})
    [letter] = await letters.list()
    assert letter.failed_at is None
    [shown] = await stage.command("dead-letters", "show", "one")
    assert shown["body"] == '"\ud800"'
    assert shown["error"] == "\x1b[2J\nok"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"\xff", "Envelope: no JSON"),
        (b"[]", "Envelope: all of it (model_type)"),
        (b'{"version": "secret"}', "Envelope: id, type, source, subject, time,"),
    ],
)
def test_what_is_no_envelope_is_said_without_its_values(body: bytes, said: str) -> None:
    with pytest.raises(Poison) as refused:
        read(body)
    assert str(refused.value).startswith(said)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("field", "value"), [("subject", "no id"), ("time", "2026-01-01T00:00:00")]
)
def test_an_envelope_s_one_wrong_field_is_named(field: str, value: str) -> None:
    envelope: dict[str, object] = {
        **dict.fromkeys(("type", "source", "correlationid", "causationid"), "x"),
        "id": str(uuid7()),
        "subject": str(uuid7()),
        "time": "2026-01-01T00:00:00Z",
        "version": 1,
        "data": {},
    }
    with pytest.raises(Poison, match=rf"^Envelope: {field}$"):
        read(json.dumps({**envelope, field: value}).encode())


async def bury(
    stage: Stage,
    body: bytes = b"unreadable",
    headers: dict[str, str | int] | None = None,
) -> None:
    """Put a message where the dead ones lie, as anybody may who is let in."""
    async with connect(stage.amqp_url, "test") as connection:
        publisher = await Publisher.open(connection)
        await publisher.publish(
            Message(
                exchange="",
                routing_key=dead_queue("probe"),
                type="unknown",
                body=body,
                message_id="one",
                headers=headers,
            )
        )


async def run(stage: Stage, *typed: str) -> tuple[int, list[str]]:
    """Return the exit code of `dead-letters`, and what it says went wrong."""
    child = await asyncio.create_subprocess_exec(
        *(*PROBE, "dead-letters", *typed),
        cwd=REPOSITORY,
        env={**os.environ, **environment(stage)},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        _, said = await child.communicate()
    return child.returncode or 0, said.decode().splitlines()


def environment(stage: Stage) -> dict[str, str]:
    return {
        "DATABASE_URL": stage.database.url,
        "AMQP_URL": stage.amqp_url,
        "HTTP_PORT": "0",
        "JWKS_URL": "http://127.0.0.1:9/jwks",
    }
