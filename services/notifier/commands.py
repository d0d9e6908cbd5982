"""What the notifier decides in a transaction: whom to tell, and what is news."""

from datetime import datetime
from uuid import UUID

from chassis import audit
from chassis.db import Transaction
from chassis.events import Event
from chassis.ids import uuid7
from contracts.events import accounts
from services.notifier import store
from services.notifier.domain import mails, news
from services.notifier.domain.languages import available_language, language_of
from services.notifier.domain.mails import Contact, Customer, Notification, Template

#: Notifications that become mails in one transaction.
BATCH = 50


async def keep_customer(
    tx: Transaction, event: accounts.CustomerRegistered | accounts.CustomerUpdated
) -> None:
    """Remember whom to write to; what waited for the customer is addressed next."""
    await store.save_customer(
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
    await store.insert_notification(
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
    ready = await store.lock_addressable(tx, limit=BATCH)
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
    await store.mark_addressed(tx, addressed, now=now)


async def send_mail_again(
    tx: Transaction, mail_id: UUID, *, now: datetime
) -> store.MailRecord:
    """Give a mail that never left its tries back; `now` is the real instant."""
    record = await store.lock_mail(tx, mail_id)
    mail = mails.send_again(record.mail, now=now)
    await store.save_mail(tx, mail)
    await audit.record(
        tx,
        "mail.sent_again",
        subject=mail.id,
        customer_id=mail.customer_id,
        details={"was": record.mail.status, "last_answer": record.mail.last_answer},
    )
    return store.MailRecord(mail, record.subject)


async def publish_article(
    tx: Transaction,
    *,
    slug: str | None,
    title: news.Texts,
    body: news.Texts,
    published_at: datetime | None,
    now: datetime,
) -> news.Article:
    """Publish an article, or raise SlugTaken."""
    article = news.Article(
        id=uuid7(),
        slug=slug or news.slug_from(title[available_language(title, "en")]),
        title=title,
        body=body,
        published_at=published_at or now,
        created_at=now,
        updated_at=now,
    )
    await store.insert_article(tx, article)
    await _record(tx, "article.published", article)
    return article


async def revise_article(
    tx: Transaction,
    slug: str,
    *,
    title: news.Texts | None,
    body: news.Texts | None,
    published_at: datetime | None,
    now: datetime,
) -> news.Article:
    """Change what is given of an article; the same again changes nothing."""
    article = await store.lock_article(tx, slug)
    revised = news.revise(
        article, title=title, body=body, published_at=published_at, now=now
    )
    if revised is not article:
        await store.save_article(tx, revised)
        await _record(tx, "article.revised", revised, before=article)
    return revised


async def remove_article(tx: Transaction, slug: str) -> None:
    article = await store.lock_article(tx, slug)
    await store.delete_article(tx, article)
    await _record(tx, "article.removed", article)


async def _record(
    tx: Transaction,
    action: str,
    article: news.Article,
    *,
    before: news.Article | None = None,
) -> None:
    details: dict[str, object] = {
        "slug": article.slug,
        "title": article.title,
        "body": article.body,
        "published_at": article.published_at.isoformat(),
    }
    if before is not None:
        details["before"] = {"title": before.title, "body": before.body}
    await audit.record(tx, action, subject=article.id, details=details)
