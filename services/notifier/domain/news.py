"""News: short articles by staff, in one or both of our languages."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from chassis.errors import Conflict, RuleViolated
from services.notifier.domain.languages import Tag

MAXIMUM_SLUG = 80

Texts = Mapping[Tag, str]


class SlugTaken(Conflict):
    """Another article has this slug already."""


class LanguagesDiffer(RuleViolated):
    """Title and body must be written in the same languages."""


class SlugNeeded(RuleViolated):
    """No slug can be made of this title; choose one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """`title` and `body` by language; `body` is Markdown source."""

    id: UUID
    slug: str
    version: int = 1
    title: Texts
    body: Texts
    published_at: datetime
    created_at: datetime
    updated_at: datetime

    def __post_init__(self) -> None:
        if self.title.keys() != self.body.keys():
            raise LanguagesDiffer(field="body")


def slug_from(title: str) -> str:
    """Return a slug out of a title: `Nova região` becomes `nova-regiao`."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", plain.lower())[:MAXIMUM_SLUG].strip("-")
    if not slug:
        raise SlugNeeded(field="slug")
    return slug


def revise(
    article: Article,
    *,
    title: Texts | None,
    body: Texts | None,
    published_at: datetime | None,
    now: datetime,
) -> Article:
    """Return the article with what is given replaced, or the same one."""
    revised = replace(
        article,
        title=article.title if title is None else title,
        body=article.body if body is None else body,
        published_at=published_at or article.published_at,
    )
    if revised == article:
        return article
    return replace(revised, version=article.version + 1, updated_at=now)
