"""News: staff publishes, revises and removes articles."""

from datetime import datetime

from chassis import audit
from chassis.db import Transaction
from chassis.ids import uuid7
from services.notifier.domain import news as domain
from services.notifier.domain.languages import available_language
from services.notifier.domain.news import Article, Texts
from services.notifier.store import news as store


async def publish_article(
    tx: Transaction,
    *,
    slug: str | None,
    title: Texts,
    body: Texts,
    published_at: datetime | None,
    now: datetime,
) -> Article:
    """Publish an article, or raise SlugTaken."""
    article = Article(
        id=uuid7(),
        slug=slug or domain.slug_from(title[available_language(title, "en")]),
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
    title: Texts | None,
    body: Texts | None,
    published_at: datetime | None,
    now: datetime,
) -> Article:
    """Change what is given of an article; the same again changes nothing."""
    article = await store.lock_article(tx, slug)
    revised = domain.revise(
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
    article: Article,
    *,
    before: Article | None = None,
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
