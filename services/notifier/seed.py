"""News for a new installation, from JSON; running it twice changes nothing."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

from chassis.clock import Clock
from chassis.db import Database
from contracts.api.notifier import Bodies, Slug, Titles
from services.notifier.commands.news import publish_article
from services.notifier.settings import Settings
from services.notifier.store.news import has_article


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Article(_Strict):
    slug: Slug
    title: Titles
    body: Bodies
    published_days_ago: int = Field(default=0, ge=0, le=3650)


class _Seed(_Strict):
    news: list[_Article]


async def seed(
    db: Database, clock: Clock, _settings: Settings, data: dict[str, object]
) -> None:
    """Publish the articles whose slugs aren't there yet."""
    now = clock.business_now()
    async with db.transaction() as tx:
        for article in _Seed.model_validate(data).news:
            if await has_article(tx, article.slug):
                continue
            await publish_article(
                tx,
                slug=article.slug,
                title=article.title,
                body=article.body,
                published_at=now - timedelta(days=article.published_days_ago),
                now=now,
            )
