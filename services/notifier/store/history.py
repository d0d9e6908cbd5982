"""The history of mails, for their readers and for operators."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from chassis.db import Record, Transaction
from chassis.errors import NotFound
from services.notifier.domain.mails import Mail, MailCopy
from services.notifier.store.mails import mail_of

_MAILS: Final[LiteralString] = """
    SELECT id, notification_id, event_id, template, customer_id, user_id, name, email,
           language, time_zone, message_id, thread_id, status, next_step_at,
           postponements, lost_answers, interruptions, acceptances, last_answer,
           subject, created_at, sent_at
    FROM mails
"""


@dataclass(frozen=True, slots=True)
class MailRecord:
    """A mail and its subject, which it gets when its sending is first tried."""

    mail: Mail
    subject: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MailFilter:
    """Which of all mails are meant; None means any."""

    customer_id: UUID | None = None
    status: str | None = None


async def list_mails_to(
    tx: Transaction,
    user_id: UUID,
    *,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[MailRecord]:
    """List one reader's mails, newest first."""
    created_at, mail_id = before or (None, None)
    rows = await tx.fetch(
        _MAILS
        + """
        WHERE user_id = $1
          AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3::uuid))
        ORDER BY created_at DESC, id DESC LIMIT $4
        """,
        user_id,
        created_at,
        mail_id,
        limit,
    )
    return [_record(row) for row in rows]


async def count_mails_to(tx: Transaction, user_id: UUID) -> int:
    return await tx.fetchval("SELECT count(*) FROM mails WHERE user_id = $1", user_id)


async def list_mails(
    tx: Transaction,
    wanted: MailFilter,
    *,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[MailRecord]:
    """List everybody's mails, newest first."""
    created_at, mail_id = before or (None, None)
    rows = await tx.fetch(
        _MAILS
        + """
        WHERE ($1::uuid IS NULL OR customer_id = $1)
          AND ($2::text IS NULL OR status = $2)
          AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4::uuid))
        ORDER BY created_at DESC, id DESC LIMIT $5
        """,
        wanted.customer_id,
        wanted.status,
        created_at,
        mail_id,
        limit,
    )
    return [_record(row) for row in rows]


async def count_mails(tx: Transaction, wanted: MailFilter) -> int:
    return await tx.fetchval(
        """
        SELECT count(*) FROM mails
        WHERE ($1::uuid IS NULL OR customer_id = $1)
          AND ($2::text IS NULL OR status = $2)
        """,
        wanted.customer_id,
        wanted.status,
    )


async def get_mail(
    tx: Transaction, mail_id: UUID, *, user_id: UUID
) -> tuple[MailRecord, MailCopy | None]:
    """Return a mail of this reader and how it was written, or raise NotFound."""
    row = await tx.fetchrow(
        """
        SELECT id, notification_id, event_id, template, customer_id, user_id, name,
               email, language, time_zone, message_id, thread_id, status, next_step_at,
               postponements, lost_answers, interruptions, acceptances, last_answer,
               subject, body_text, body_html, created_at, sent_at
        FROM mails WHERE id = $1 AND user_id = $2
        """,
        mail_id,
        user_id,
    )
    if row is None:
        raise NotFound
    copy = None
    if row["subject"] is not None:
        copy = MailCopy(row["subject"], row["body_text"], row["body_html"])
    return _record(row), copy


async def lock_mail(tx: Transaction, mail_id: UUID) -> MailRecord:
    """Lock any mail, or raise NotFound."""
    row = await tx.fetchrow(_MAILS + "WHERE id = $1 FOR UPDATE", mail_id)
    if row is None:
        raise NotFound
    return _record(row)


def _record(row: Record) -> MailRecord:
    return MailRecord(mail_of(row), row["subject"])
