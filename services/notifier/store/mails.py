"""Mails on their way out: claimed under a lease, tried, and marked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis.context import Cause
from chassis.db import Record, Transaction
from services.notifier.domain.languages import Language
from services.notifier.domain.mails import (
    Contact,
    Content,
    Mail,
    MailCopy,
    MailStatus,
    Template,
)


@dataclass(frozen=True, slots=True)
class DueMail:
    """A mail that is ours to send, what it is to tell, and why."""

    mail: Mail
    content: Content
    cause: Cause


async def insert_mails(tx: Transaction, mails: Sequence[Mail]) -> None:
    """Insert new mails; the unique key lets each recipient have one per event."""
    await tx.executemany(
        """
        INSERT INTO mails (id, notification_id, event_id, template, customer_id,
                           user_id, name, email, language, time_zone, message_id,
                           thread_id, status, next_step_at, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
        ON CONFLICT (event_id, email, template) DO NOTHING
        """,
        [
            (
                mail.id,
                mail.notification_id,
                mail.event_id,
                mail.template,
                mail.customer_id,
                mail.recipient.user_id,
                mail.recipient.name,
                mail.recipient.email,
                mail.recipient.language,
                mail.time_zone,
                mail.message_id,
                mail.thread_id,
                mail.status,
                mail.next_step_at,
                mail.created_at,
            )
            for mail in mails
        ],
    )


async def claim_due_mails(
    tx: Transaction, lease: UUID, *, now: datetime, until: datetime, limit: int
) -> list[DueMail]:
    """Take the longest due mails under a lease, in the order of their making.

    One that is still `sending` was left by a process that died: whether it arrived is
    not known, and it is noted as interrupted.
    """
    rows = await tx.fetch(
        """
        WITH due AS (
            SELECT id FROM mails WHERE next_step_at <= $1
            ORDER BY next_step_at, seq LIMIT $4
            FOR UPDATE SKIP LOCKED
        )
        UPDATE mails m
        SET status = 'sending', lease = $2, next_step_at = $3,
            interruptions = interruptions + (m.status = 'sending')::integer
        FROM due, notifications n
        WHERE m.id = due.id AND n.id = m.notification_id
        RETURNING m.seq, m.id, m.notification_id, m.event_id, m.template, m.customer_id,
                  m.user_id, m.name, m.email, m.language, m.time_zone, m.message_id,
                  m.thread_id, m.status, m.next_step_at, m.postponements,
                  m.lost_answers, m.interruptions, m.acceptances, m.last_answer,
                  m.created_at, m.sent_at, n.content, n.correlation_id, n.traceparent
        """,
        now,
        lease,
        until,
        limit,
    )
    rows.sort(key=_in_order)
    return [DueMail(mail_of(row), row["content"], _cause_of(row)) for row in rows]


async def extend_lease(tx: Transaction, lease: UUID, *, until: datetime) -> None:
    await tx.execute(
        "UPDATE mails SET next_step_at = $2 WHERE lease = $1", lease, until
    )


async def save_try(
    tx: Transaction, mail: Mail, lease: UUID, copy: MailCopy | None
) -> bool:
    """Save what became of a try; False if the lease had gone to somebody else."""
    return bool(
        await tx.execute(
            """
            UPDATE mails
            SET status = $3, lease = NULL, next_step_at = $4, postponements = $5,
                lost_answers = $6, acceptances = $7, last_answer = $8, sent_at = $9,
                subject = coalesce($10, subject), body_text = coalesce($11, body_text),
                body_html = coalesce($12, body_html)
            WHERE id = $1 AND lease = $2
            """,
            mail.id,
            lease,
            mail.status,
            mail.next_step_at,
            mail.postponements,
            mail.lost_answers,
            mail.acceptances,
            mail.last_answer,
            mail.sent_at,
            copy and copy.subject,
            copy and copy.text,
            copy and copy.html,
        )
    )


async def save_mail(tx: Transaction, mail: Mail) -> None:
    """Save a mail that nobody is sending."""
    await tx.execute(
        """
        UPDATE mails
        SET status = $2, next_step_at = $3, postponements = $4, interruptions = $5
        WHERE id = $1 AND lease IS NULL
        """,
        mail.id,
        mail.status,
        mail.next_step_at,
        mail.postponements,
        mail.interruptions,
    )


def _cause_of(row: Record) -> Cause:
    event_id = str(row["event_id"])
    return Cause(
        cause_id=event_id,
        correlation_id=row["correlation_id"] or event_id,
        actor="system:send_mails",
        traceparent=row["traceparent"],
    )


def _in_order(row: Record) -> int:
    return row["seq"]


def mail_of(row: Record) -> Mail:
    """Return the mail of a row that has all its columns, save those of its copy."""
    return Mail(
        id=row["id"],
        notification_id=row["notification_id"],
        event_id=row["event_id"],
        template=Template(row["template"]),
        customer_id=row["customer_id"],
        recipient=Contact(
            user_id=row["user_id"],
            name=row["name"],
            email=row["email"],
            language=Language(row["language"]),
        ),
        time_zone=row["time_zone"],
        message_id=row["message_id"],
        thread_id=row["thread_id"],
        created_at=row["created_at"],
        status=MailStatus(row["status"]),
        next_step_at=row["next_step_at"],
        postponements=row["postponements"],
        lost_answers=row["lost_answers"],
        interruptions=row["interruptions"],
        acceptances=row["acceptances"],
        last_answer=row["last_answer"],
        sent_at=row["sent_at"],
    )
