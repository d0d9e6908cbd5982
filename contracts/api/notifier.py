"""Notifier's public API: the news, and the history of mails."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, StringConstraints

from chassis.http import Body, PageQuery, Query, View
from contracts.api.fields import ONE_LINE, Given, Language, Shape

MailStatusName = Literal["pending", "sending", "sent", "ambiguous", "failed", "dead"]

Slug = Annotated[
    str,
    StringConstraints(min_length=1, max_length=80),
    Shape(
        r"^[a-z0-9]+(-[a-z0-9]+)*$",
        "must be lower-case letters and digits with dashes between, such as new-region",
    ),
]
Title = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=200),
    ONE_LINE,
]
Markdown = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000),
    Field(description="Markdown source."),
]
Titles = Annotated[
    dict[Language, Title], Field(min_length=1, description="By language.")
]
Bodies = Annotated[
    dict[Language, Markdown],
    Field(min_length=1, description="In the same languages as the title."),
]


class WantedLanguage(Query):
    """Which language to answer in; by default what Accept-Language prefers."""

    language: Language | None = None


class ListNews(PageQuery):
    """Which news to show, and in which language."""

    language: Language | None = None


class NewsView(View):
    """An article in one language: the wanted one, or the one it exists in."""

    slug: str
    language: Language
    title: str
    body: Annotated[str, Field(description="Markdown source.")]
    published_at: datetime


class PublishArticle(Body):
    """A new article; a date to come keeps it from readers until then."""

    slug: Annotated[
        Slug | None, Field(description="Made out of the title unless given.")
    ] = None
    title: Titles
    body: Bodies
    published_at: Annotated[
        AwareDatetime | None, Field(description="Now unless given.")
    ] = None


class ReviseArticle(Body):
    """What to change of an article; what isn't named stays."""

    title: Given[Titles] = None
    body: Given[Bodies] = None
    published_at: Given[AwareDatetime] = None


class ArticleView(View):
    """An article as staff edit it."""

    slug: str
    version: int
    title: dict[Language, str]
    body: dict[Language, str]
    published_at: datetime
    created_at: datetime
    updated_at: datetime


class MailView(View):
    """A mail of mine: what it was about and whether it left."""

    id: UUID
    template: Annotated[str, Field(description="What it tells: `invoice_issued`, …")]
    to: str
    subject: Annotated[
        str | None, Field(description="Null until the first try to send it.")
    ]
    status: MailStatusName
    created_at: datetime
    sent_at: datetime | None


class MailWithContentView(MailView):
    """A mail as it was written, with the secrets of its links masked."""

    text: str | None
    html: str | None


class ListStaffMails(PageQuery):
    """Which mails operators look at."""

    status: MailStatusName | None = None
    customer_id: UUID | None = None


class StaffMailView(MailView):
    """A mail as operators see it."""

    customer_id: UUID | None
    message_id: str
    last_answer: Annotated[
        str | None, Field(description="What the mail server said last.")
    ]
    next_step_at: datetime | None
