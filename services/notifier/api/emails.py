"""The history of mails: one's own, and for operators all of them."""

from datetime import datetime
from uuid import UUID

from chassis.http import Call, Page, PageQuery, Routes, decode_cursor, signed_in, staff
from contracts.api.notifier import (
    ListStaffMails,
    MailSummary,
    MailView,
    StaffMailSummary,
)
from services.notifier.commands.mails import send_mail_again
from services.notifier.settings import MAILS_WAITING
from services.notifier.store import history as store
from services.notifier.store.history import MailFilter, MailRecord

routes = Routes(tag="e-mails")


@routes.get("/emails", policy=signed_in())
async def list_emails(call: Call, query: PageQuery) -> Page[MailSummary]:
    """List the mails written to me, newest first."""
    user_id = call.principal.user_id
    before = decode_cursor(query.cursor, datetime, UUID)
    async with call.reading() as tx:
        records = await store.list_mails_to(
            tx, user_id, before=before, limit=query.limit + 1
        )
        total = await store.count_mails_to(tx, user_id) if query.count else None
    return Page[MailSummary].of(
        [_summary(record) for record in records],
        limit=query.limit,
        cursor=lambda mail: (mail.created_at, mail.id),
        total=total,
    )


@routes.get("/emails/{mail_id}", policy=signed_in())
async def show_email(call: Call, mail_id: UUID) -> MailView:
    """Show a mail as it was written to me; the secrets of its links are masked."""
    async with call.reading() as tx:
        record, copy = await store.get_mail(tx, mail_id, user_id=call.principal.user_id)
    return MailView(
        **_summary(record).model_dump(),
        text=copy and copy.text,
        html=copy and copy.html,
    )


@routes.get("/staff/emails", policy=staff("operations"))
async def list_staff_emails(
    call: Call, query: ListStaffMails
) -> Page[StaffMailSummary]:
    """List all mails, newest first, and what became of them."""
    wanted = MailFilter(customer_id=query.customer_id, status=query.status)
    before = decode_cursor(query.cursor, datetime, UUID)
    async with call.reading() as tx:
        records = await store.list_mails(
            tx, wanted, before=before, limit=query.limit + 1
        )
        total = await store.count_mails(tx, wanted) if query.count else None
    return Page[StaffMailSummary].of(
        [_staff_summary(record) for record in records],
        limit=query.limit,
        cursor=lambda mail: (mail.created_at, mail.id),
        total=total,
    )


@routes.post("/staff/emails/{mail_id}/replays", policy=staff("operations"), status=201)
async def send_email_again(call: Call, mail_id: UUID) -> StaffMailSummary:
    """Try a mail again that failed, is dead or ambiguous."""
    async with call.transaction() as tx:
        record = await send_mail_again(tx, mail_id, now=call.clock.now())
        call.resources[MAILS_WAITING].set()
        return await call.complete(tx, _staff_summary(record))


def _summary(record: MailRecord) -> MailSummary:
    mail = record.mail
    return MailSummary(
        id=mail.id,
        template=mail.template,
        to=mail.recipient.email,
        subject=record.subject,
        status=mail.status.value,
        created_at=mail.created_at,
        sent_at=mail.sent_at,
    )


def _staff_summary(record: MailRecord) -> StaffMailSummary:
    mail = record.mail
    return StaffMailSummary(
        **_summary(record).model_dump(),
        customer_id=mail.customer_id,
        message_id=mail.message_id,
        last_answer=mail.last_answer,
        next_step_at=mail.next_step_at,
    )
