"""The history of mails: one's own, and for operators all of them."""

from datetime import datetime
from uuid import UUID

from chassis.http import Call, Page, PageQuery, Routes, decode_cursor, signed_in, staff
from contracts.api.notifier import (
    ListStaffMails,
    MailView,
    MailWithContentView,
    StaffMailView,
)
from services.notifier.api.views import (
    view_mail,
    view_mail_for_staff,
    view_mail_with_content,
)
from services.notifier.commands.mails import send_mail_again
from services.notifier.settings import MAILS_WAITING
from services.notifier.store import history as store
from services.notifier.store.history import MailFilter

routes = Routes(tag="e-mails")


@routes.get("/emails", policy=signed_in())
async def list_emails(call: Call, query: PageQuery) -> Page[MailView]:
    """List the mails written to me, newest first."""
    user_id = call.principal.user_id
    before = decode_cursor(query.cursor, datetime, UUID)
    async with call.reading() as tx:
        records = await store.list_mails_to(
            tx, user_id, before=before, limit=query.limit + 1
        )
        total = await query.total(records, lambda: store.count_mails_to(tx, user_id))
    return Page[MailView].of(
        [view_mail(record) for record in records],
        limit=query.limit,
        cursor=lambda mail: (mail.created_at, mail.id),
        total=total,
    )


@routes.get("/emails/{mail_id}", policy=signed_in())
async def show_email(call: Call, mail_id: UUID) -> MailWithContentView:
    """Show a mail as it was written to me; the secrets of its links are masked."""
    async with call.reading() as tx:
        record, copy = await store.get_mail(tx, mail_id, user_id=call.principal.user_id)
    return view_mail_with_content(record, copy)


@routes.get("/staff/emails", policy=staff("operations"))
async def list_staff_emails(call: Call, query: ListStaffMails) -> Page[StaffMailView]:
    """List all mails, newest first, and what became of them."""
    wanted = MailFilter(customer_id=query.customer_id, status=query.status)
    before = decode_cursor(query.cursor, datetime, UUID)
    async with call.reading() as tx:
        records = await store.list_mails(
            tx, wanted, before=before, limit=query.limit + 1
        )
        total = await query.total(records, lambda: store.count_mails(tx, wanted))
    return Page[StaffMailView].of(
        [view_mail_for_staff(record) for record in records],
        limit=query.limit,
        cursor=lambda mail: (mail.created_at, mail.id),
        total=total,
    )


@routes.post("/staff/emails/{mail_id}/replays", policy=staff("operations"), status=201)
async def send_email_again(call: Call, mail_id: UUID) -> StaffMailView:
    """Try a mail again that failed, is dead or ambiguous."""
    async with call.transaction() as tx:
        record = await send_mail_again(tx, mail_id, now=call.clock.now())
        call.resources[MAILS_WAITING].set()
        return await call.complete(tx, view_mail_for_staff(record))
