"""Sending mails: claim under a lease, write, hand to the mail server, mark.

No transaction is open while the server is spoken to. A process that dies leaves its
lease to end; whoever takes the mail over sends it with the same Message-ID.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID
from zlib import crc32

import structlog
from aiohttp import web
from prometheus_client import Counter

from chassis.clock import Clock
from chassis.db import Database
from chassis.errors import Unavailable
from chassis.ids import uuid7
from chassis.tracing import traced
from contracts import links
from services.notifier.commands.mails import address_notifications
from services.notifier.domain import mails
from services.notifier.domain.languages import Language
from services.notifier.domain.mails import Answer, Fate, Mail, MailCopy, Template
from services.notifier.providers import (
    Connection,
    MailServer,
    Sender,
    ServerUnreachable,
    build_message,
)
from services.notifier.store import mails as store
from services.notifier.store.mails import DueMail
from services.notifier.templates import Writer

log = structlog.get_logger("mails")

BATCH = 40
LEASE = timedelta(seconds=30)
LEASE_EXTENSION_SECONDS = 10.0
#: How long to insist on marking a mail whose fate we know.
MARKING_SECONDS = 60.0
MARKING_PAUSE_SECONDS = 0.5

#: The mails that hold a link, and what the link is for.
PURPOSES = {
    Template.EMAIL_VERIFICATION: links.VERIFY_EMAIL,
    Template.PASSWORD_RESET: links.RESET_PASSWORD,
}

POSTAGE: web.AppKey["Postage"] = web.AppKey("postage")

tries = Counter("mail_tries", "Tries to send a mail, by what became of it", ["fate"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Postage:
    """What sending mails needs."""

    database: Database
    clock: Clock
    server: MailServer
    writers: Mapping[Language, Writer]
    sender: Sender
    link_key: bytes
    connections: int


@dataclass(frozen=True, slots=True)
class Batch:
    """What one round did: how many mails it held, and what the server's trouble was."""

    size: int
    outage: str | None = None


async def send_due_mails(
    postage: Postage, *, stopping: Callable[[], bool] = lambda: False
) -> Batch:
    """Address what waits, and send a batch of what is due.

    Each recipient's mails go over one connection, in their order.
    """
    lease = uuid7()
    due = await _claim(postage, lease)
    if not due:
        return Batch(0)
    async with _kept(postage, lease), asyncio.TaskGroup() as group:
        lanes = [
            group.create_task(_send_lane(postage, lease, lane, stopping))
            for lane in _lanes(due, postage.connections)
        ]
    outages = [outage for lane in lanes if (outage := lane.result())]
    return Batch(len(due), next(iter(outages), None))


async def _claim(postage: Postage, lease: UUID) -> list[DueMail]:
    now = postage.clock.now()
    async with postage.database.transaction() as tx:
        await address_notifications(
            tx, host=postage.sender.host, home_zone=postage.clock.zone.key, now=now
        )
        return await store.claim_due_mails(
            tx, lease, now=now, until=now + LEASE, limit=BATCH
        )


@asynccontextmanager
async def _kept(postage: Postage, lease: UUID) -> AsyncGenerator[None]:
    """Extend the lease for as long as the block takes."""
    async with asyncio.TaskGroup() as group:
        keeper = group.create_task(_keep(postage, lease))
        try:
            yield
        finally:
            keeper.cancel()


async def _keep(postage: Postage, lease: UUID) -> None:
    while True:
        await asyncio.sleep(LEASE_EXTENSION_SECONDS)
        until = postage.clock.now() + LEASE
        try:
            async with postage.database.transaction() as tx:
                await store.extend_lease(tx, lease, until=until)
        except Unavailable as outage:
            log.warning("lease not extended", reason=str(outage))


def _lanes(due: Iterable[DueMail], count: int) -> list[deque[DueMail]]:
    lanes = [deque[DueMail]() for _ in range(count)]
    for item in due:
        lanes[crc32(item.mail.recipient.email.encode()) % count].append(item)
    return [lane for lane in lanes if lane]


async def _send_lane(
    postage: Postage,
    lease: UUID,
    lane: deque[DueMail],
    stopping: Callable[[], bool],
) -> str | None:
    """Send the mails over one connection; return the server's trouble, if it has any.

    What could not be tried goes back as it was: an outage is no mail's fault.
    """
    outage = None
    try:
        async with postage.server.connection() as connection:
            while lane and not stopping():
                await _send(postage, lease, connection, lane[0])
                lane.popleft()
    except ServerUnreachable as trouble:
        outage = str(trouble)
        log.warning("the mail server can't be used", reason=outage, mails=len(lane))
    for item in lane:
        reason = outage or "the process was stopping"
        back = mails.hand_back(item.mail, reason, now=postage.clock.now())
        await _save(postage, lease, back, None)
    return outage


async def _send(
    postage: Postage, lease: UUID, connection: Connection, due: DueMail
) -> None:
    if due.mail.interruptions > mails.MAXIMUM_INTERRUPTIONS:
        dead = mails.give_up(due.mail, "it was interrupted too often")
        await _save(postage, lease, dead, None)
        return
    attributes = {"mail.template": due.mail.template}
    with traced(due.cause, "send mail", "client", attributes) as span:
        answer, kept = await _try(postage, connection, due)
        tries.labels(answer.fate).inc()
        span.set("mail.fate", answer.fate)
        concluded = mails.conclude(
            due.mail,
            answer,
            now=postage.clock.now(),
            shown_now=postage.clock.business_now(),
            jitter=random.random(),  # noqa: S311 - it spreads load, and hides nothing
        )
        await _save(postage, lease, concluded, kept)


async def _try(
    postage: Postage, connection: Connection, due: DueMail
) -> tuple[Answer, MailCopy | None]:
    """Write and send one mail; return the answer and the copy to keep."""
    mail = due.mail
    try:
        writer = postage.writers[mail.recipient.language]
        kept = copy = writer.write(mail, due.content)
        if mail.template in PURPOSES:
            token = _token(postage, mail, due)
            copy = writer.write(mail, due.content, token=token)
        message = build_message(mail, copy, postage.sender)
    except Exception as fault:
        # A mail that can't be written is tried again later: a release may mend that.
        log.exception("a mail could not be written", mail_id=str(mail.id))
        return Answer(Fate.POSTPONED, f"not written: {fault!r}"[:500]), None
    answer = await connection.send(
        message, sender=postage.sender.email, to=mail.recipient.email
    )
    return answer, kept


def _token(postage: Postage, mail: Mail, due: DueMail) -> str:
    request_id = UUID(str(due.content["request_id"]))
    return links.link_token(postage.link_key, PURPOSES[mail.template], request_id)


async def _save(
    postage: Postage, lease: UUID, mail: Mail, copy: MailCopy | None
) -> None:
    """Mark what became of a mail, and insist: forgetting it would send it again."""
    insist_until = time.monotonic() + MARKING_SECONDS
    while True:
        try:
            async with postage.database.transaction() as tx:
                ours = await store.save_try(tx, mail, lease, copy)
        except Unavailable:
            if time.monotonic() >= insist_until:
                raise
            await asyncio.sleep(MARKING_PAUSE_SECONDS)
        else:
            break
    log.info(
        "mail tried" if ours else "mail tried, but its lease was over",
        mail_id=str(mail.id),
        template=mail.template,
        status=mail.status,
    )
