"""The whole process: events come over the broker, mails leave at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest

from chassis.ids import uuid7
from contracts.events import billing
from services.notifier.app import PROCESS
from tests.conftest import MakeQueues
from tests.integration.notifier.mailserver import Mailbox
from tests.integration.notifier.stage import PATIENCE_SECONDS, settings_of, until
from tests.support.databases import ServiceDatabase
from tests.support.running import Running, running
from tests.unit.notifier.events import a_registration, an_invoice


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    mailbox = Mailbox()
    async with mailbox.open():
        yield mailbox


class Installation:
    """One database, one broker, and as many notifiers as a test starts."""

    def __init__(self, database: ServiceDatabase, amqp_url: str, mail: Mailbox) -> None:
        self.database = database
        self.amqp_url = amqp_url
        self.mailbox = mail
        self._stack = AsyncExitStack()

    async def start(self, **settings: object) -> Running:
        return await self._stack.enter_async_context(
            running(
                PROCESS,
                database_url=self.database.url,
                amqp_url=self.amqp_url,
                **{**settings_of(self.mailbox), **settings},
            )
        )

    async def stop(self) -> None:
        await self._stack.aclose()


@pytest.fixture
async def installation(
    database: ServiceDatabase, make_queues: MakeQueues, mailbox: Mailbox
) -> AsyncIterator[Installation]:
    installation = Installation(database, await make_queues(PROCESS), mailbox)
    try:
        yield installation
    finally:
        await installation.stop()


async def test_an_event_on_the_broker_is_soon_a_mail(
    installation: Installation,
) -> None:
    process = await installation.start()
    registration = a_registration()
    await process.announce(registration)
    for number in range(5):
        invoice = an_invoice(customer_id=registration.customer_id)
        await process.announce(invoice)
        await until(lambda n=number: len(installation.mailbox.received) == n + 1)


async def test_order_of_arrival_does_not_matter(installation: Installation) -> None:
    process = await installation.start()
    registration = a_registration()
    await process.announce(an_invoice(customer_id=registration.customer_id))
    await process.announce(registration)
    await until(lambda: len(installation.mailbox.received) == 1)


async def test_two_processes_share_the_work(installation: Installation) -> None:
    first = await installation.start()
    await installation.start()
    registration = a_registration()
    await first.announce(registration)
    await first.announce(
        *(an_invoice(customer_id=registration.customer_id) for _ in range(100)),
    )
    received = installation.mailbox.received
    await until(lambda: len(received) >= 100)
    assert len({message["Message-ID"] for message in received}) == 100
    assert len(received) == 100


async def test_a_mailbox_that_was_away_gets_everything_once(
    installation: Installation,
) -> None:
    away = Mailbox()
    async with away.open():
        pass
    process = await installation.start(smtp_url=away.url)
    registration = a_registration()
    await process.announce(
        registration, an_invoice(customer_id=registration.customer_id)
    )
    await until_noted(process, 1)
    async with away.open():
        await until(lambda: len(away.received) == 1)


async def until_noted(process: Running, count: int) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            async with process.db.reading() as tx:
                noted = await tx.fetchval(
                    "SELECT count(*) FROM mails WHERE last_answer IS NOT NULL"
                )
            if noted == count:
                return
            await asyncio.sleep(0.01)


async def test_mails_are_dated_by_the_business_clock(
    installation: Installation,
) -> None:
    process = await installation.start(sandbox_clock=True)
    ahead = timedelta(days=40)
    moved = billing.ClockMoved(
        version=1, clock_id=uuid7(), shift_seconds=ahead.total_seconds()
    )
    await process.announce(moved)
    await until(lambda: process.clock.shift == ahead)
    registration, before = a_registration(), datetime.now(UTC) + ahead
    await process.announce(
        registration, an_invoice(customer_id=registration.customer_id)
    )
    await until(lambda: len(installation.mailbox.received) == 1)
    dated = installation.mailbox.received[0]["Date"].datetime
    second = timedelta(seconds=1)  # as exact as a mail is dated
    assert before - second < dated <= datetime.now(UTC) + ahead


async def test_a_process_that_is_told_to_stop_finishes_its_mail(
    installation: Installation,
) -> None:
    process = await installation.start()
    begun, going_on = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        begun.set()
        await going_on.wait()

    installation.mailbox.during = wait
    registration = a_registration()
    await process.announce(
        registration, an_invoice(customer_id=registration.customer_id)
    )
    await asyncio.wait_for(begun.wait(), timeout=PATIENCE_SECONDS)
    process.stopping.set()
    going_on.set()
    await process.serving
    assert len(installation.mailbox.received) == 1
    again = await installation.start()
    async with again.db.reading() as tx:
        assert await tx.fetchval("SELECT array_agg(status) FROM mails") == ["sent"]
