"""News articles."""

from datetime import datetime
from typing import Final, LiteralString

from chassis.db import Record, Transaction, violations_as
from chassis.errors import NotFound
from services.notifier.domain.news import Article, SlugTaken

_ARTICLES: Final[LiteralString] = """
    SELECT id, slug, version, title, body, published_at, created_at, updated_at
    FROM news
"""


async def insert_article(tx: Transaction, article: Article) -> None:
    """Insert a new article, or raise SlugTaken."""
    with violations_as(news_slug_key=SlugTaken(field="slug")):
        await tx.execute(
            """
            INSERT INTO news (id, slug, version, title, body, published_at, created_at,
                              updated_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
            """,
            article.id,
            article.slug,
            article.version,
            article.title,
            article.body,
            article.published_at,
            article.created_at,
            article.updated_at,
        )


async def save_article(tx: Transaction, article: Article) -> None:
    await tx.execute(
        """
        UPDATE news
        SET version = $2, title = $3, body = $4, published_at = $5, updated_at = $6
        WHERE id = $1
        """,
        article.id,
        article.version,
        article.title,
        article.body,
        article.published_at,
        article.updated_at,
    )


async def delete_article(tx: Transaction, article: Article) -> None:
    await tx.execute("DELETE FROM news WHERE id = $1", article.id)


async def get_article(
    tx: Transaction, slug: str, *, published_by: datetime | None
) -> Article:
    """Return the article, or raise NotFound; unpublished ones count if it is None."""
    row = await tx.fetchrow(
        _ARTICLES
        + """
        WHERE slug = $1 AND ($2::timestamptz IS NULL OR published_at <= $2)
        """,
        slug,
        published_by,
    )
    return _article(row)


async def has_article(tx: Transaction, slug: str) -> bool:
    return await tx.fetchval("SELECT EXISTS (SELECT FROM news WHERE slug = $1)", slug)


async def lock_article(tx: Transaction, slug: str) -> Article:
    row = await tx.fetchrow(_ARTICLES + "WHERE slug = $1 FOR UPDATE", slug)
    return _article(row)


async def list_articles(
    tx: Transaction,
    *,
    published_by: datetime | None,
    before: tuple[datetime, str] | None,
    limit: int,
) -> list[Article]:
    """List articles, newest first; unpublished ones too if `published_by` is None."""
    published_at, slug = before or (None, None)
    rows = await tx.fetch(
        _ARTICLES
        + """
        WHERE ($1::timestamptz IS NULL OR published_at <= $1)
          AND ($2::timestamptz IS NULL OR (published_at, slug) < ($2, $3::text))
        ORDER BY published_at DESC, slug DESC LIMIT $4
        """,
        published_by,
        published_at,
        slug,
        limit,
    )
    return [_article(row) for row in rows]


async def count_articles(tx: Transaction, *, published_by: datetime | None) -> int:
    return await tx.fetchval(
        """
        SELECT count(*) FROM news
        WHERE ($1::timestamptz IS NULL OR published_at <= $1)
        """,
        published_by,
    )


def _article(row: Record | None) -> Article:
    if row is None:
        raise NotFound
    return Article(
        id=row["id"],
        slug=row["slug"],
        version=row["version"],
        title=row["title"],
        body=row["body"],
        published_at=row["published_at"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
