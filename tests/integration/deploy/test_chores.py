"""Operators' other chores on real servers: messages, projections, doctor."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from chassis.topology import dead_queue
from contracts.subscriptions import SUBSCRIPTIONS
from deploy.operate import doctor, letters, messages, projections
from deploy.operate.__main__ import parser
from deploy.operate.faults import CannotOperate
from deploy.operate.targets import SERVICES, Targets
from services.accounts.app import PROCESS as ACCOUNTS
from services.tickets.app import PROCESS as TICKETS
from tests.integration.accounts.stage import LINK_KEY, settings
from tests.integration.deploy.installations import begin_to_read, fetch, put
from tests.support.running import running

WAIT_SECONDS = 30
HOUR = timedelta(hours=1)
VERIFICATION = "accounts.email_verification.requested.v1"
MOVED = "billing.clock.moved.v1"


async def test_an_event_that_was_lost_on_its_way_is_sent_again(here: Targets) -> None:
    owner = here.owner("accounts")
    await fetch(owner, "UPDATE accounts.outbox SET published_at = now()")
    lost = await messages.unheard(here, older_than=timedelta())
    assert {event.type for event in lost} == {
        "accounts.customer.registered.v1",
        VERIFICATION,
    }
    await messages.resend(here, lost)
    rows = await fetch(owner, "SELECT FROM accounts.outbox WHERE published_at IS NULL")
    assert len(rows) == len(lost)
    assert await messages.unheard(here, older_than=timedelta()) == []


async def test_what_was_published_before_a_reader_began_to_read_it_is_left_alone(
    here: Targets, capsys: pytest.CaptureFixture[str]
) -> None:
    registered = "accounts.customer.registered.v1"
    await fetch(
        here.owner("accounts"), "UPDATE accounts.outbox SET published_at = now()"
    )
    await begin_to_read(here, "notifier", VERIFICATION, since=HOUR)
    await begin_to_read(here, "billing", registered, since=HOUR)
    assert await operate(here, "resend", "--older-than", "0") == 1
    listed, last = capsys.readouterr().out.splitlines()
    assert listed.startswith(f"{registered} ")
    assert listed.endswith(": not heard by tickets, notifier")
    assert last == "1 were never heard; say --yes to have them sent again"
    assert await operate(here, "resend", "--older-than", "0", "--yes") == 0
    assert capsys.readouterr().out.endswith("1 will be sent again\n")
    assert await operate(here, "resend", "--older-than", "0") == 0
    assert capsys.readouterr().out == "every event has been heard\n"


async def test_what_was_published_just_now_may_be_on_its_way(here: Targets) -> None:
    await fetch(
        here.owner("accounts"),
        "UPDATE accounts.outbox SET published_at = now() - CASE WHEN type = $1"
        " THEN interval '2 hours' ELSE interval '0' END",
        VERIFICATION,
    )
    await begin_to_read(here, "notifier", VERIFICATION, since=-3 * HOUR)
    found = await messages.unheard(here, older_than=HOUR)
    assert [event.type for event in found] == [VERIFICATION]


async def test_nothing_is_said_to_be_heard_where_it_is_unknown_since_when_it_is_read(
    here: Targets,
) -> None:
    await fetch(
        here.owner("tickets"), "DELETE FROM tickets.readings WHERE type = $1", MOVED
    )
    with pytest.raises(CannotOperate, match=f"tickets reads {MOVED} is not noted"):
        await operate(here, "resend")


async def operate(targets: Targets, *arguments: str) -> int:
    """Do what the command line would; return its exit code."""
    command = parser().parse_args(arguments)
    return await command.command(targets, command)


async def test_a_projection_that_went_wrong_is_rebuilt(here: Targets) -> None:
    given = {"amqp_url": here.amqp_url}
    async with (
        running(
            ACCOUNTS,
            **given,
            database_url=here.owner("accounts"),
            parts={"relay"},
            signing_key=settings().signing_key,
            link_key=LINK_KEY,
        ),
        running(
            TICKETS,
            **given,
            database_url=here.owner("tickets"),
            parts={"consumers"},
            blobs_dir=here.blobs,
        ),
    ):
        assert await projections.rebuild(
            here, "tickets", "customers", wait_seconds=WAIT_SECONDS
        )
        await fetch(
            here.owner("tickets"), "UPDATE tickets.customers SET name = 'WRONG'"
        )
        assert await projections.rebuild(
            here, "tickets", "customers", wait_seconds=WAIT_SECONDS
        )
        [named] = await fetch(
            here.owner("tickets"), "SELECT name FROM tickets.customers"
        )
        [owned] = await fetch(
            here.owner("accounts"), "SELECT name FROM accounts.customers"
        )
        assert named["name"] == owned["name"]
        await fetch(here.owner("tickets"), "DELETE FROM tickets.customers")
        assert await projections.rebuild(
            here, "tickets", None, wait_seconds=WAIT_SECONDS
        )
    [count] = await fetch(
        here.owner("tickets"), "SELECT count(*) FROM tickets.customers"
    )
    assert count["count"] == 1


async def test_what_nobody_would_hear_is_not_told(
    here: Targets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projections, "READER_SECONDS", 0)
    emitted = "SELECT count(*) AS count FROM accounts.outbox"
    [before] = await fetch(here.owner("accounts"), emitted)
    with pytest.raises(CannotOperate, match=r"tickets must run .* has no reader"):
        await projections.rebuild(here, "tickets", "customers", wait_seconds=0)
    away = replace(here, amqp_url="amqp://nobody:x@127.0.0.1:1/")
    with pytest.raises(CannotOperate, match=r"tickets must run .* can't be used"):
        await projections.rebuild(away, "tickets", "customers", wait_seconds=0)
    assert await fetch(here.owner("accounts"), emitted) == [before]


async def test_what_is_told_and_not_handled_in_time_is_no_agreement(
    here: Targets, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The versions may well be the same: nobody has compared what they say."""

    async def read(*_: object) -> bool:
        return True

    monkeypatch.setattr(projections, "_is_read", read)
    assert not await projections.rebuild(here, "tickets", "customers", wait_seconds=0)
    assert "tickets has not handled 1 of 1 events in time" in capsys.readouterr().out


async def test_dead_letters_of_all_services_are_seen_replayed_and_dropped(
    here: Targets, capsys: pytest.CaptureFixture[str]
) -> None:
    await put(here.amqp_url, dead_queue("tickets"), "one")
    await put(here.amqp_url, dead_queue("notifier"), "two")
    assert await letters.list_letters(here, list(SUBSCRIPTIONS), limit=10) == 2
    everyone = list(SUBSCRIPTIONS)
    await letters.show_letter(here, "one", everyone)
    said = capsys.readouterr().out
    assert "tickets   one" in said
    assert "Ana" in said
    assert "abc" not in said
    await letters.drop(here, "one", everyone, "nobody needs it")
    [noted] = await fetch(
        here.owner("tickets"),
        "SELECT details ->> 'reason' AS reason FROM tickets.audit_log",
    )
    assert noted["reason"].startswith("nobody needs it")
    await letters.replay(here, "two", everyone)
    assert await letters.list_letters(here, list(SUBSCRIPTIONS), limit=10) == 0
    with pytest.raises(CannotOperate, match=r"No dead letter of .* has the id 'one'"):
        await letters.show_letter(here, "one", everyone)


async def test_a_dead_letter_of_two_readers_is_chosen_by_its_service(
    here: Targets,
) -> None:
    for consumer in ("tickets", "notifier"):
        await put(here.amqp_url, dead_queue(consumer), "one")
    with pytest.raises(CannotOperate, match=r"tickets, notifier: each .* --service"):
        await letters.replay(here, "one", list(SUBSCRIPTIONS))
    assert await letters.list_letters(here, list(SUBSCRIPTIONS), limit=10) == 2
    await letters.replay(here, "one", ["notifier"])
    assert await letters.list_letters(here, ["notifier"], limit=10) == 0
    assert await letters.list_letters(here, ["tickets"], limit=10) == 1


async def test_letters_beyond_the_limit_are_counted(
    here: Targets, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(3):
        await put(here.amqp_url, dead_queue("tickets"), str(number))
    assert await letters.list_letters(here, ["tickets"], limit=1) == 3
    said = capsys.readouterr().out.splitlines()
    assert said[1:] == ["tickets   … and 2 newer: --limit lists more", "3 dead letters"]


async def test_what_a_stranger_wrote_does_nothing_to_the_terminal(
    here: Targets, capsys: pytest.CaptureFixture[str]
) -> None:
    await put(here.amqp_url, dead_queue("tickets"), "a\x1b[2J\nb")
    assert await letters.list_letters(here, ["tickets"], limit=10) == 1
    await letters.show_letter(here, "a\x1b[2J\nb", ["tickets"])
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert said.count(r"a\x1b[2J\nb") == 2


async def test_the_doctor_names_what_is_wrong(here: Targets) -> None:
    await put(here.amqp_url, dead_queue("notifier"), "one")
    await fetch(
        here.owner("accounts"),
        "UPDATE accounts.outbox SET emitted_at = now() - interval '5 minutes'",
    )
    await fetch(
        here.owner("billing"),
        "DELETE FROM billing.schema_migrations WHERE name LIKE '0003%'",
    )
    found = [finding async for finding in doctor.examine(here) if finding.wrong]
    wrong = {(finding.part, finding.seen): finding.wrong for finding in found}
    assert ("notifier", "1 dead letters") in wrong
    assert any("0003" in text for text in wrong.values())
    assert any(part == "accounts" and "to publish" in seen for part, seen in wrong)
    assert ("tickets", "0 events to handle, 0 readers") in wrong
    # Nothing runs here: every service with jobs is told of those that never ran.
    assert any("has never ended well" in text for text in wrong.values())


async def test_the_doctor_goes_on_where_nothing_answers() -> None:
    away = Targets(
        owners={},
        auditors=dict.fromkeys(SERVICES, "postgres://nobody:x@127.0.0.1:1/none"),
        amqp_url="amqp://nobody:x@127.0.0.1:1/",
        admin_url="",
        processes={"gateway": "http://127.0.0.1:1"},
        blobs=None,
        backups=None,
    )
    async with asyncio.timeout(WAIT_SECONDS):
        found = [finding async for finding in doctor.examine(away)]
    assert len(found) == 1 + len(SERVICES) + 1
    assert all(finding.wrong for finding in found)
