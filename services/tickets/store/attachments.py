"""Attachments: rows about files; the bytes are in the blob store under the same id."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from chassis.context import current_cause
from chassis.db import Record, Transaction
from chassis.errors import NotFound
from services.tickets.domain.files import Attachment, AttachmentState
from services.tickets.domain.people import AuthorKind


async def insert_attachment(tx: Transaction, attachment: Attachment) -> None:
    await tx.execute(
        """
        INSERT INTO attachments (id, customer_id, uploader_kind, uploader_id, state,
                                 name, media_type, size, sha256, uploaded_at, cause_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        """,
        attachment.id,
        attachment.customer_id,
        attachment.uploader_kind,
        attachment.uploader_id,
        attachment.state,
        attachment.name,
        attachment.media_type,
        attachment.size,
        attachment.sha256,
        attachment.uploaded_at,
        current_cause().cause_id,
    )


async def mark_stored(tx: Transaction, attachment_id: UUID) -> None:
    """Note that the bytes are stored, or raise NotFound when the row was discarded."""
    marked = await tx.execute(
        "UPDATE attachments SET state = 'stored' WHERE id = $1 AND state = 'receiving'",
        attachment_id,
    )
    if not marked:
        raise NotFound(
            "attachment {attachment} took too long to arrive", attachment=attachment_id
        )


async def get_attachment(
    tx: Transaction, attachment_id: UUID, *, scope: UUID | None
) -> Attachment:
    row = await tx.fetchrow(
        """
        SELECT * FROM attachments
        WHERE id = $1 AND state = 'stored' AND ($2::uuid IS NULL OR customer_id = $2)
        """,
        attachment_id,
        scope,
    )
    if row is None:
        raise NotFound("there is no attachment {attachment}", attachment=attachment_id)
    return decode_attachment(row)


async def lock_attachments(
    tx: Transaction, attachment_ids: Sequence[UUID]
) -> list[Attachment]:
    """Lock them in the order of their ids, so that two senders can't deadlock."""
    rows = await tx.fetch(
        "SELECT * FROM attachments WHERE id = ANY($1::uuid[]) ORDER BY id FOR UPDATE",
        attachment_ids,
    )
    return [decode_attachment(row) for row in rows]


async def attach(
    tx: Transaction,
    attachment_ids: Sequence[UUID],
    *,
    message_id: UUID,
    customer_id: UUID | None,
) -> None:
    """Send the files with a message; they are the ticket's customer's from now on."""
    await tx.execute(
        """
        UPDATE attachments AS a
        SET message_id = $2, customer_id = $3, position = sent.position
        FROM unnest($1::uuid[]) WITH ORDINALITY AS sent (id, position)
        WHERE a.id = sent.id
        """,
        attachment_ids,
        message_id,
        customer_id,
    )


async def discard_unsent(tx: Transaction, *, before: datetime, limit: int) -> None:
    """Give up files that were uploaded before then and never sent."""
    await tx.execute(
        """
        UPDATE attachments SET state = 'discarded'
        WHERE id IN (
            SELECT id FROM attachments
            WHERE message_id IS NULL AND state <> 'discarded' AND uploaded_at < $1
            ORDER BY uploaded_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        """,
        before,
        limit,
    )


async def list_discarded(tx: Transaction, *, limit: int) -> list[UUID]:
    rows = await tx.fetch(
        "SELECT id FROM attachments WHERE state = 'discarded' ORDER BY id LIMIT $1",
        limit,
    )
    return [row["id"] for row in rows]


async def delete_attachments(tx: Transaction, attachment_ids: Sequence[UUID]) -> None:
    await tx.execute(
        "DELETE FROM attachments WHERE id = ANY($1::uuid[]) AND state = 'discarded'",
        attachment_ids,
    )


def decode_attachment(row: Record) -> Attachment:
    return Attachment(
        id=row["id"],
        customer_id=row["customer_id"],
        uploader_kind=AuthorKind(row["uploader_kind"]),
        uploader_id=row["uploader_id"],
        state=AttachmentState(row["state"]),
        name=row["name"],
        media_type=row["media_type"],
        size=row["size"],
        sha256=row["sha256"],
        uploaded_at=row["uploaded_at"],
        message_id=row["message_id"],
    )
