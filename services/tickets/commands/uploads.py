"""Receiving a file: a row before its bytes, so that neither is ever forgotten."""

import hashlib
from datetime import datetime
from uuid import UUID

from chassis.db import Transaction
from chassis.ids import uuid7
from services.tickets import store
from services.tickets.domain import files
from services.tickets.domain.files import Attachment, AttachmentState
from services.tickets.domain.people import AuthorKind


async def receive_upload(
    tx: Transaction,
    name: str,
    content: bytes,
    *,
    customer_id: UUID | None,
    uploader_kind: AuthorKind,
    uploader_id: UUID,
    now: datetime,
) -> Attachment:
    """Note a file whose bytes are about to be stored; until then nobody sees it."""
    name = files.clean_name(name)
    attachment = Attachment(
        id=uuid7(),
        customer_id=customer_id,
        uploader_kind=uploader_kind,
        uploader_id=uploader_id,
        state=AttachmentState.RECEIVING,
        name=name,
        media_type=files.accept_file(name, content),
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        uploaded_at=now,
        message_id=None,
    )
    await store.insert_attachment(tx, attachment)
    return attachment
