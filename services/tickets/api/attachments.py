"""Files: uploaded first, then sent with a message; downloaded byte by byte the same."""

import asyncio
from uuid import UUID

from chassis.http import Call, Response, Routes, customer, staff
from chassis.ids import uuid7
from chassis.resources import BLOBS
from contracts.api.tickets import AttachmentView
from services.tickets.api.views import view_attachment
from services.tickets.domain.files import MAXIMUM_SIZE, examine_file
from services.tickets.domain.people import AuthorKind
from services.tickets.store import attachments as store

routes = Routes(tag="attachments")


@routes.post(
    "/attachments",
    policy=customer("tickets") | staff("tickets.answer"),
    status=201,
    upload=True,
)
async def upload_attachment(call: Call) -> AttachmentView:
    """Upload a file of at most 10 MiB, to be sent with a ticket or a reply.

    Images, PDF, text, office documents and archives; the content must be what the
    name says. A file that isn't sent within a day is removed.
    """
    file = await call.read_file("file", limit=MAXIMUM_SIZE)
    principal = call.principal
    # Looking through 10 MiB takes long enough for other requests to feel it.
    attachment = await asyncio.to_thread(
        examine_file,
        uuid7(),
        file.name,
        file.content,
        customer_id=principal.customer_id,
        uploader_kind=AuthorKind(principal.kind),
        uploader_id=principal.user_id,
        now=call.clock.now(),
    )
    async with call.transaction() as tx:
        await store.insert_attachment(tx, attachment)
    await call.resources[BLOBS].put(str(attachment.id), file.content)
    async with call.transaction() as tx:
        await store.mark_stored(tx, attachment.id)
        return await call.complete(tx, view_attachment(attachment))


@routes.get(
    "/attachments/{attachment_id}",
    policy=customer("tickets") | staff("tickets.read"),
    media_type="application/octet-stream",
)
async def download_attachment(call: Call, attachment_id: UUID) -> Response:
    """Download a file, byte by byte as it was uploaded."""
    async with call.reading() as tx:
        attachment = await store.get_attachment(
            tx, attachment_id, scope=call.principal.scope
        )
    content = await call.resources[BLOBS].get(str(attachment.id))
    return call.file(content, media_type=attachment.media_type, name=attachment.name)
