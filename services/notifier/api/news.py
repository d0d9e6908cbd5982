"""News: read by everybody, written by staff."""

from collections.abc import Sequence
from datetime import datetime

from chassis.http import Call, Page, PageQuery, Routes, decode_cursor, public, staff
from contracts.api.fields import Language
from contracts.api.notifier import (
    ArticleView,
    ListNews,
    NewsView,
    PublishArticle,
    ReviseArticle,
    WantedLanguage,
)
from contracts.languages import preferred_language
from services.notifier.api.views import view_article, view_news
from services.notifier.commands import news as commands
from services.notifier.domain.news import Article
from services.notifier.store import news as store

routes = Routes(tag="news")


@routes.get("/news", policy=public())
async def list_news(call: Call, query: ListNews) -> Page[NewsView]:
    """List the published news, newest first.

    `language` says which one to answer in, or else the header Accept-Language does.
    """
    articles, total = await _find(call, query, published_by=call.now)
    language = _language(call, query.language)
    return Page[NewsView].of(
        [view_news(article, language) for article in articles],
        limit=query.limit,
        cursor=lambda article: (article.published_at, article.slug),
        total=total,
    )


@routes.get("/news/{slug}", policy=public())
async def show_news(call: Call, slug: str, query: WantedLanguage) -> NewsView:
    """Show a published article."""
    async with call.reading() as tx:
        article = await store.get_article(tx, slug, published_by=call.now)
    return view_news(article, _language(call, query.language))


@routes.get("/staff/news", policy=staff("news.write"))
async def list_articles(call: Call, query: PageQuery) -> Page[ArticleView]:
    """List all articles, newest first, those still to be published included."""
    articles, total = await _find(call, query, published_by=None)
    return Page[ArticleView].of(
        [view_article(article) for article in articles],
        limit=query.limit,
        cursor=lambda article: (article.published_at, article.slug),
        total=total,
    )


@routes.post("/staff/news", policy=staff("news.write"), status=201)
async def publish_article(call: Call, body: PublishArticle) -> ArticleView:
    """Publish an article, now or on a date to come."""
    async with call.transaction() as tx:
        article = await commands.publish_article(
            tx,
            slug=body.slug,
            title=body.title,
            body=body.body,
            published_at=body.published_at,
            now=call.now,
        )
        return await call.complete(tx, view_article(article))


@routes.get("/staff/news/{slug}", policy=staff("news.write"))
async def show_article(call: Call, slug: str) -> ArticleView:
    """Show an article in all its languages."""
    async with call.reading() as tx:
        return view_article(await store.get_article(tx, slug, published_by=None))


@routes.patch("/staff/news/{slug}", policy=staff("news.write"))
async def revise_article(call: Call, slug: str, body: ReviseArticle) -> ArticleView:
    """Change an article; its slug stays."""
    async with call.transaction() as tx:
        article = await commands.revise_article(
            tx,
            slug,
            title=body.title,
            body=body.body,
            published_at=body.published_at,
            now=call.now,
        )
        return view_article(article)


@routes.delete("/staff/news/{slug}", policy=staff("news.write"))
async def remove_article(call: Call, slug: str) -> None:
    """Remove an article; the audit log keeps its text."""
    async with call.transaction() as tx:
        await commands.remove_article(tx, slug)


async def _find(
    call: Call, query: PageQuery, *, published_by: datetime | None
) -> tuple[Sequence[Article], int | None]:
    before = decode_cursor(query.cursor, datetime, str)
    async with call.reading() as tx:
        articles = await store.list_articles(
            tx, published_by=published_by, before=before, limit=query.limit + 1
        )
        total = await query.total(
            articles, lambda: store.count_articles(tx, published_by=published_by)
        )
    return articles, total


def _language(call: Call, wanted: Language | None) -> Language:
    accepted = call.request.headers.get("Accept-Language", "")
    return wanted or preferred_language(accepted)
