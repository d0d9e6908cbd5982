"""Sending: nothing is lost, nothing is said twice, whatever the mail server does."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest
from structlog.testing import capture_logs

from chassis.db import DatabaseAway
from chassis.process import Resources
from services.notifier import workflows
from services.notifier.domain.mails import BACK_OFF_MINUTES
from services.notifier.jobs import send_mails
from services.notifier.providers import MailServer
from services.notifier.settings import MAILS_WAITING
from services.notifier.workflows import BATCH, LEASE, POSTAGE, send_due_mails
from tests.integration.notifier.mailserver import DROP, Mailbox, text_of
from tests.integration.notifier.stage import PATIENCE_SECONDS, Stage
from tests.unit.notifier.events import a_contact, a_reset, an_invoice


async def an_invoice_is_issued(stage: Stage) -> None:
    customer_id = await stage.register()
    await stage.deliver(an_invoice(customer_id=customer_id))


async def test_a_sent_mail_is_marked_and_kept(stage: Stage) -> None:
    await an_invoice_is_issued(stage)
    await stage.send()
    mail, (message,) = await stage.mail(), stage.mailbox.received
    assert mail["status"] == "sent"
    assert mail["acceptances"] == 1
    assert mail["message_id"] == message["Message-ID"]
    assert mail["subject"] == message["Subject"]
    assert mail["body_text"].split() == text_of(message).split()
    assert (await stage.send()).size == 0


@pytest.mark.parametrize("answer", ["421 busy", "451 greylisted", "452 full"])
async def test_a_postponed_mail_is_sent_later_once(stage: Stage, answer: str) -> None:
    await an_invoice_is_issued(stage)
    stage.mailbox.answers = [answer]
    await stage.send()
    mail = await stage.mail()
    assert mail["status"] == "pending"
    assert mail["last_answer"] == answer
    pause = mail["next_step_at"] - stage.clock.instant
    assert timedelta(minutes=1) <= pause <= timedelta(minutes=1.25)
    assert (await stage.send()).size == 0, "not before its time"
    stage.wait(minutes=2)
    await stage.send()
    assert (await stage.mail())["status"] == "sent"
    assert len(stage.mailbox.received) == 1


async def test_a_mail_postponed_for_days_is_dead_and_kept(stage: Stage) -> None:
    await an_invoice_is_issued(stage)
    stage.mailbox.always = "451 not now"
    for _ in range(len(BACK_OFF_MINUTES) + 1):
        await stage.send()
        stage.wait(hours=8)
    mail = await stage.mail()
    assert mail["status"] == "dead"
    assert mail["last_answer"] == "451 not now"
    assert (await stage.send()).size == 0


async def test_a_refused_mail_has_failed_and_harms_no_other(stage: Stage) -> None:
    stage.mailbox.answers = ["550 no such user"]
    await stage.deliver(a_reset(email="a@example.com"), a_reset(email="a@example.com"))
    await stage.send()
    assert [mail["status"] for mail in await stage.mails()] == ["failed", "sent"]
    assert stage.mailbox.connections == 1


async def test_a_lost_answer_is_repeated_once_with_the_same_id(stage: Stage) -> None:
    await an_invoice_is_issued(stage)
    stage.mailbox.answers = [DROP]
    await stage.send()
    assert (await stage.mail())["status"] == "ambiguous"
    assert (await stage.send()).size == 0
    stage.wait(minutes=1, seconds=1)
    await stage.send()
    assert (await stage.mail())["status"] == "sent"
    first, second = stage.mailbox.received
    assert first["Message-ID"] == second["Message-ID"]


async def test_an_answer_lost_twice_is_left_to_people(stage: Stage) -> None:
    await an_invoice_is_issued(stage)
    stage.mailbox.always = DROP
    for _ in range(5):
        await stage.send()
        stage.wait(hours=8)
    mail = await stage.mail()
    assert mail["status"] == "ambiguous"
    assert mail["next_step_at"] is None
    assert len(stage.mailbox.received) == 2


async def test_an_outage_costs_no_try_and_loses_nothing(stage: Stage) -> None:
    for _ in range(3):
        await an_invoice_is_issued(stage)
    away = replace(stage.postage, server=MailServer("smtp://127.0.0.1:1"))
    for _ in range(len(BACK_OFF_MINUTES) + 5):
        batch = await send_due_mails(away)
        assert batch.outage is not None
    assert {mail["status"] for mail in await stage.mails()} == {"pending"}
    await stage.send()
    assert {mail["status"] for mail in await stage.mails()} == {"sent"}
    assert len(stage.mailbox.received) == 3


async def test_a_server_that_turns_everybody_away_is_an_outage(stage: Stage) -> None:
    async def turn_away(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        del reader
        writer.write(b"421 too busy\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    await an_invoice_is_issued(stage)
    async with await asyncio.start_server(turn_away, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        url = f"smtp://127.0.0.1:{port}"
        batch = await send_due_mails(replace(stage.postage, server=MailServer(url)))
    assert "421" in (batch.outage or "")
    assert (await stage.mail())["postponements"] == 0


async def test_a_mail_whose_sender_died_is_taken_over_when_the_lease_ends(
    stage: Stage,
) -> None:
    await an_invoice_is_issued(stage)

    begun = asyncio.Event()

    async def hang() -> None:
        begun.set()
        await asyncio.Event().wait()

    stage.mailbox.during = hang
    sending = asyncio.create_task(stage.send())
    await asyncio.wait_for(begun.wait(), timeout=PATIENCE_SECONDS)
    sending.cancel()
    await asyncio.wait([sending])
    stage.mailbox.during = None
    assert (await stage.send()).size == 0, "the lease still holds"
    stage.wait(seconds=LEASE.total_seconds() + 1)
    await stage.send()
    mail = await stage.mail()
    assert (mail["status"], mail["interruptions"]) == ("sent", 1)
    assert len(stage.mailbox.received) == 1


async def test_a_mail_that_always_kills_its_sender_is_dead_in_the_end(
    stage: Stage,
) -> None:
    await an_invoice_is_issued(stage)
    await stage.send()
    async with stage.process.db.transaction() as tx:
        await tx.execute(
            """
            UPDATE mails SET status = 'pending', sent_at = NULL, acceptances = 0,
                             interruptions = 9, next_step_at = $1
            """,
            stage.clock.instant,
        )
    await stage.send()
    assert (await stage.mail())["status"] == "dead"


async def test_a_lease_that_was_lost_marks_nothing(stage: Stage) -> None:
    await an_invoice_is_issued(stage)

    async def somebody_else_takes_it() -> None:
        async with stage.process.db.transaction() as tx:
            await tx.execute("UPDATE mails SET lease = gen_random_uuid()")

    stage.mailbox.during = somebody_else_takes_it
    await stage.send()
    assert (await stage.mail())["status"] == "sending"
    stage.mailbox.during = None
    stage.wait(minutes=1)
    await stage.send()
    assert (await stage.mail())["status"] == "sent"


async def test_a_lease_is_extended_while_its_mails_are_being_sent(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workflows, "LEASE_EXTENSION_SECONDS", 0.01)
    await an_invoice_is_issued(stage)

    async def take_long() -> None:
        stage.wait(seconds=25)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while (await stage.mail())["next_step_at"] < stage.clock.instant + LEASE:
                await asyncio.sleep(0.005)

    stage.mailbox.during = take_long
    await stage.send()
    assert (await stage.mail())["status"] == "sent"


async def test_a_sent_mail_is_marked_although_the_database_broke_off(
    stage: Stage,
) -> None:
    await an_invoice_is_issued(stage)

    async def break_off() -> None:
        admin = await asyncpg.connect(stage.database.admin_url)
        ended = await admin.fetch(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()
            """
        )
        await admin.close()
        assert ended

    stage.mailbox.during = break_off
    await stage.send()
    stage.mailbox.during = None
    stage.wait(minutes=5)
    await stage.send()
    mail = await stage.mail()
    assert (mail["status"], mail["interruptions"]) == ("sent", 0)
    assert len(stage.mailbox.received) == 1


async def test_a_database_that_stays_away_is_told_in_a_line(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await an_invoice_is_issued(stage)
    stopping = asyncio.Event()

    async def fail(*_anything: object) -> bool:
        stopping.set()
        raise DatabaseAway("nobody answers")

    resources = Resources()
    resources[POSTAGE], resources[MAILS_WAITING] = stage.postage, asyncio.Event()
    with monkeypatch.context() as away, capture_logs() as lines:
        away.setattr(workflows, "MARKING_SECONDS", 0.0)
        away.setattr(workflows.store, "save_try", fail)
        await send_mails(resources, stopping)
    assert lines == [
        {
            "event": "mails wait for the database",
            "reason": "nobody answers",
            "log_level": "warning",
        }
    ]
    stage.wait(seconds=LEASE.total_seconds() + 1)
    await stage.send()
    assert (await stage.mail())["status"] == "sent"


async def test_workers_at_once_send_each_mail_once(stage: Stage) -> None:
    contacts = [a_contact(f"p{number}@example.com") for number in range(20)]
    customer_id = await stage.register(*contacts)
    for _ in range(10):
        await stage.deliver(an_invoice(customer_id=customer_id))
    await asyncio.gather(*(_send_all(stage) for _ in range(4)))
    ids = Counter(message["Message-ID"] for message in stage.mailbox.received)
    assert len(ids) == 200
    assert set(ids.values()) == {1}
    assert {mail["status"] for mail in await stage.mails()} == {"sent"}


async def _send_all(stage: Stage) -> None:
    while (await stage.send()).size:
        pass


async def test_a_batch_shares_its_connections(stage: Stage) -> None:
    contacts = [a_contact(f"p{number}@example.com") for number in range(BATCH)]
    customer_id = await stage.register(*contacts)
    await stage.tell(an_invoice(customer_id=customer_id))
    assert len(stage.mailbox.received) == BATCH
    assert stage.mailbox.connections <= stage.postage.connections


async def test_a_recipients_mails_keep_their_order(stage: Stage) -> None:
    customer_id = await stage.register()
    numbers = [f"2026-{number:06}" for number in range(20)]
    await stage.tell(
        *(an_invoice(customer_id=customer_id, number=number) for number in numbers)
    )
    subjects = [message["Subject"].split(":")[0] for message in stage.mailbox.received]
    assert subjects == [f"Invoice {number}" for number in numbers]


async def test_no_transaction_is_open_while_a_mail_is_handed_over(
    stage: Stage,
) -> None:
    seen: list[int] = []

    async def look() -> None:
        async with stage.process.db.reading() as tx:
            seen.append(
                await tx.fetchval(
                    """
                    SELECT count(*) FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid()
                      AND state LIKE 'idle in transaction%'
                    """
                )
            )

    stage.mailbox.during = look
    await an_invoice_is_issued(stage)
    await stage.send()
    assert seen == [0]


async def test_a_mail_that_cannot_be_written_waits_for_a_release_that_can(
    stage: Stage,
) -> None:
    await an_invoice_is_issued(stage)
    async with stage.process.db.transaction() as tx:
        content = await tx.fetchval(
            "UPDATE notifications SET content = '{}' RETURNING content"
        )
        assert content == {}
    await stage.send()
    mail = await stage.mail()
    assert mail["status"] == "pending"
    assert mail["last_answer"].startswith("not written")


async def test_the_mailbox_can_be_away_and_come_back(stage: Stage) -> None:
    other = Mailbox()
    async with other.open():
        pass
    await an_invoice_is_issued(stage)
    postage = replace(stage.postage, server=MailServer(other.url))
    assert (await send_due_mails(postage)).outage is not None
    async with other.open():
        assert (await send_due_mails(postage)).outage is None
    assert len(other.received) == 1
