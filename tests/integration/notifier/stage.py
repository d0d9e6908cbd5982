"""The notifier on a stage: real Postgres, HTTP and SMTP, events through the inbox."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any
from uuid import UUID

from chassis.checks import CheckResult
from chassis.clock import FixedClock
from chassis.db import Record
from chassis.events import Event
from chassis.http import Principal
from chassis.inbox import Inbox
from services.notifier.app import PROCESS
from services.notifier.checks import CHECKS
from services.notifier.consumers import consumers
from services.notifier.workflows import POSTAGE, Batch, Postage, send_due_mails
from tests.integration.notifier.mailserver import Mailbox
from tests.support.arrivals import deliver
from tests.support.databases import ServiceDatabase
from tests.support.people import Answer, ask
from tests.support.running import Running, running
from tests.support.tokens import bearer
from tests.unit.notifier.events import a_registration

LINK_KEY = "a key that both processes know"
PATIENCE_SECONDS = 60.0


def settings_of(mailbox: Mailbox) -> dict[str, Any]:
    return {
        "smtp_url": mailbox.url,
        "mail_from": "billing@example.com",
        "link_key": LINK_KEY,
        "portal_url": "https://my.example.com/",
        "company_name": "Example Hosting",
    }


@dataclass(frozen=True)
class Stage:
    """The notifier without its own worker: mails are sent when a test says so."""

    database: ServiceDatabase
    process: Running
    mailbox: Mailbox
    clock: FixedClock

    @property
    def postage(self) -> Postage:
        return replace(self.process.resources[POSTAGE], clock=self.clock)

    async def deliver(
        self, *events: Event, event_id: UUID | None = None, republished: bool = False
    ) -> None:
        """Let events arrive, each in a transaction of its own."""
        inbox = Inbox(consumers, self.process.resources, self.process.db)
        for event in events:
            await deliver(inbox, event, event_id=event_id, republished=republished)

    async def register(self, *contacts: Any, **fields: Any) -> UUID:
        """Let accounts tell of a customer with these contacts."""
        event = a_registration(*contacts, **fields)
        await self.deliver(event)
        return event.customer_id

    async def send(self) -> Batch:
        return await send_due_mails(self.postage)

    async def tell(self, *events: Event) -> list[EmailMessage]:
        """Let events arrive and send their mails; return all mails so far."""
        await self.deliver(*events)
        await self.send()
        return self.mailbox.received

    def wait(self, **time: float) -> None:
        """Let time pass for leases and repeats."""
        self.clock.instant += timedelta(**time)

    async def mails(self) -> list[Record]:
        async with self.process.db.reading() as tx:
            return await tx.fetch("SELECT * FROM mails ORDER BY seq")

    async def mail(self) -> Record:
        """Return the only mail there is."""
        (only,) = await self.mails()
        return only

    async def ask(
        self,
        method: str,
        path: str,
        principal: Principal | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Answer:
        sent = {**(bearer(principal) if principal else {}), **(headers or {})}
        return await ask(self.process.client, method, path, headers=sent, **options)

    async def check(self) -> dict[str, CheckResult]:
        async with self.process.db.reading() as tx:
            return {check.name: await check.run(tx) for check in CHECKS}

    async def faults(self) -> list[str]:
        return [
            fault
            for result in (await self.check()).values()
            for fault in result.violations
        ]


@asynccontextmanager
async def staged(database: ServiceDatabase) -> AsyncGenerator[Stage]:
    mailbox = Mailbox()
    async with (
        mailbox.open(),
        running(
            PROCESS,
            database_url=database.url,
            parts=frozenset({"http"}),
            **settings_of(mailbox),
        ) as process,
    ):
        yield Stage(database, process, mailbox, FixedClock(datetime.now(UTC)))


async def until(claim: Callable[[], bool]) -> None:
    """Wait, within reason, until the claim is true."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not claim():
            await asyncio.sleep(0.005)
