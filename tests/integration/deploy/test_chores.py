"""Operators' other chores on real servers: messages, projections, doctor."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from chassis.ids import uuid7
from chassis.topology import dead_queue
from contracts.subscriptions import SUBSCRIPTIONS
from deploy.operate import doctor, letters, messages, projections
from deploy.operate.__main__ import parser
from deploy.operate.faults import CannotOperate
from deploy.operate.targets import SERVICES, Targets
from services.accounts.app import PROCESS as ACCOUNTS
from services.tickets.app import PROCESS as TICKETS
from tests.integration.accounts.stage import LINK_KEY, settings
from tests.integration.deploy.installations import (
    fetch,
    handle,
    put,
)
from tests.support.running import running

WAIT_SECONDS = 30
HOUR = timedelta(hours=1)


async def test_an_event_that_was_lost_on_its_way_is_sent_again(here: Targets) -> None:
    owner = here.owner("accounts")
    await fetch(owner, "UPDATE accounts.outbox SET published_at = now()")
    lost = await messages.unheard(here, older_than=timedelta())
    assert {event.type for event in lost} == {
        "accounts.customer.registered.v1",
        "accounts.email_verification.requested.v1",
    }
    await messages.resend(here, lost)
    rows = await fetch(owner, "SELECT FROM accounts.outbox WHERE published_at IS NULL")
    assert len(rows) == len(lost)
    assert await messages.unheard(here, older_than=timedelta()) == []


async def test_what_was_published_before_anybody_read_it_is_told_from_what_was_lost(
    here: Targets, capsys: pytest.CaptureFixture[str]
) -> None:
    registered = "accounts.customer.registered.v1"
    await fetch(
        here.owner("accounts"), "UPDATE accounts.outbox SET published_at = now()"
    )
    # Each reader was there before and after, with events of another type.
    for reader in ("billing", "tickets", "notifier"):
        await handle(here, reader, "billing.clock.moved.v1", UUID(int=1))
        await handle(here, reader, "billing.clock.moved.v1", uuid7())
    doubtful = await messages.unheard(here, older_than=timedelta())
    assert {event.type for event in doubtful if event.doubtful} == {
        registered,
        "accounts.email_verification.requested.v1",
    }
    # A younger one tells nothing of the time before it, an older one does.
    await handle(here, "tickets", registered, uuid7())
    assert all(e.doubtful for e in await messages.unheard(here, older_than=timedelta()))
    await handle(here, "tickets", registered, UUID(int=2))
    found = await messages.unheard(here, older_than=timedelta())
    assert [event.type for event in found if not event.doubtful] == [registered]

    assert await operate(here, "resend", "--older-than", "0", "--yes") == 0
    said = capsys.readouterr().out
    assert f"\n{registered} {found[0].event_id}: not heard by" in f"\n{said}"
    assert "1 with a ? are older than any of their type" in said
    assert "1 will be sent again" in said
    assert await operate(here, "resend", "--older-than", "0", "--all") == 1
    assert "1 were never heard" in capsys.readouterr().out


async def test_what_came_after_all_that_a_reader_handled_is_lost(
    here: Targets, capsys: pytest.CaptureFixture[str]
) -> None:
    await fetch(
        here.owner("accounts"), "UPDATE accounts.outbox SET published_at = now()"
    )
    for reader in ("billing", "tickets", "notifier"):
        await handle(here, reader, "billing.clock.moved.v1", UUID(int=1))
    assert await operate(here, "resend", "--older-than", "0", "--yes") == 0
    said = capsys.readouterr().out
    assert "?" not in said
    assert "2 will be sent again" in said


async def test_what_is_doubtful_is_lost_where_all_since_an_instant_was(
    here: Targets, capsys: pytest.CaptureFixture[str]
) -> None:
    await fetch(
        here.owner("accounts"), "UPDATE accounts.outbox SET published_at = now()"
    )
    for reader in ("billing", "tickets", "notifier"):
        for event_id in (UUID(int=1), uuid7()):
            await handle(here, reader, "billing.clock.moved.v1", event_id)
    now = datetime.now(UTC)
    resend = ("resend", "--older-than", "0", "--yes", "--since")
    assert await operate(here, *resend, f"{now + HOUR}") == 0
    said = capsys.readouterr().out
    assert "2 with a ? are older" in said
    assert said.endswith("no other event is lost\n")
    assert await operate(here, *resend, f"{now - HOUR}") == 0
    said = capsys.readouterr().out
    assert "?" not in said
    assert "2 will be sent again" in said


def test_an_instant_without_its_zone_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        parser().parse_args(["resend", "--since", "2026-03-10 14:00"])
    assert "say of which zone it is" in capsys.readouterr().err


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
        await fetch(here.owner("tickets"), "DELETE FROM tickets.customers")
        assert await projections.rebuild(
            here, "tickets", None, wait_seconds=WAIT_SECONDS
        )
    [count] = await fetch(
        here.owner("tickets"), "SELECT count(*) FROM tickets.customers"
    )
    assert count["count"] == 1


async def test_dead_letters_of_all_services_are_seen_replayed_and_dropped(
    here: Targets, capsys: pytest.CaptureFixture[str]
) -> None:
    await put(here.amqp_url, dead_queue("tickets"), "one")
    await put(here.amqp_url, dead_queue("notifier"), "two")
    assert await letters.list_letters(here, list(SUBSCRIPTIONS), limit=10) == 2
    await letters.show_letter(here, "one")
    said = capsys.readouterr().out
    assert "tickets   one" in said
    assert "Ana" in said
    assert "abc" not in said
    await letters.drop(here, "one", (), "nobody needs it")
    [noted] = await fetch(
        here.owner("tickets"),
        "SELECT details ->> 'reason' AS reason FROM tickets.audit_log",
    )
    assert noted["reason"].startswith("nobody needs it")
    await letters.replay(here, "two", ())
    assert await letters.list_letters(here, list(SUBSCRIPTIONS), limit=10) == 0
    with pytest.raises(CannotOperate, match="No dead letter has the id one"):
        await letters.show_letter(here, "one")


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
