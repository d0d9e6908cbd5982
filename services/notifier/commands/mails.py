"""Mails: who is to be told what, and another try for one that never left."""

from datetime import datetime
from uuid import UUID

from chassis import audit
from chassis.db import Transaction
from chassis.events import Event
from chassis.ids import uuid7
from contracts.events import accounts
from services.notifier.domain import mails
from services.notifier.domain.languages import language_of
from services.notifier.domain.mails import Contact, Customer, Notification, Template
from services.notifier.store import mails as store
from services.notifier.store import notifications
from services.notifier.store.history import MailRecord, lock_mail

#: Notifications that become mails in one transaction.
BATCH = 50


async def keep_customer(tx: Transaction, event: accounts.CustomerState) -> None:
    """Remember whom to write to; what waited for the customer is addressed next."""
    await notifications.save_customer(
        tx,
        Customer(
            id=event.customer_id,
            version=event.version,
            time_zone=event.time_zone,
            contacts=tuple(
                Contact(
                    user_id=contact.user_id,
                    name=contact.name,
                    email=contact.email,
                    language=language_of(contact.language),
                    permissions=frozenset(contact.permissions),
                )
                for contact in event.contacts
            ),
        ),
    )


async def tell(
    tx: Transaction,
    template: Template,
    event: Event,
    *,
    event_id: UUID,
    customer_id: UUID | None,
    addressee: Contact | None = None,
    now: datetime,
) -> None:
    """Note that people should be told of the event; the event is the mail's content."""
    await notifications.insert_notification(
        tx,
        Notification(
            id=uuid7(),
            event_id=event_id,
            template=template,
            customer_id=customer_id,
            addressee=addressee,
            content=event.model_dump(mode="json"),
            created_at=now,
        ),
    )


async def address_notifications(
    tx: Transaction, *, host: str, home_zone: str, now: datetime
) -> None:
    """Turn notifications whose customer is known into mails that are due at once."""
    ready = await notifications.lock_addressable(tx, limit=BATCH)
    if not ready:
        return
    written = [
        mails.address(
            item.notification,
            recipient,
            mail_id=uuid7(),
            time_zone=item.customer.time_zone if item.customer else home_zone,
            host=host,
            now=now,
        )
        for item in ready
        for recipient in mails.recipients(item.notification, item.customer)
    ]
    await store.insert_mails(tx, written)
    addressed = [item.notification.id for item in ready]
    await notifications.mark_addressed(tx, addressed, now=now)


async def send_mail_again(
    tx: Transaction, mail_id: UUID, *, now: datetime
) -> MailRecord:
    """Give a mail that never left its tries back; `now` is the real instant."""
    record = await lock_mail(tx, mail_id)
    mail = mails.send_again(record.mail, now=now)
    await store.save_mail(tx, mail)
    await audit.record(
        tx,
        "mail.sent_again",
        subject=mail.id,
        customer_id=mail.customer_id,
        details={"was": record.mail.status, "last_answer": record.mail.last_answer},
    )
    return MailRecord(mail, record.subject)
