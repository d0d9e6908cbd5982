"""News are for readers of two languages; mails are in one of them."""

from datetime import timedelta

import pytest

from chassis.ids import uuid7
from services.notifier.domain.languages import (
    Language,
    available_language,
    language_of,
)
from services.notifier.domain.news import (
    MAXIMUM_SLUG,
    Article,
    LanguagesDiffer,
    SlugNeeded,
    revise,
    slug_from,
)
from tests.unit.notifier.events import NOON


def an_article() -> Article:
    return Article(
        id=uuid7(),
        slug="hello",
        title={"en": "Hello"},
        body={"en": "World"},
        published_at=NOON,
        created_at=NOON,
        updated_at=NOON,
    )


@pytest.mark.parametrize(
    ("tag", "language"),
    [("pt-BR", Language.PT_BR), ("pt", Language.PT_BR), ("de", Language.EN)],
)
def test_everybody_is_written_to_in_a_language_of_ours(
    tag: str, language: Language
) -> None:
    assert language_of(tag) is language


def test_a_text_is_shown_in_the_language_it_has() -> None:
    assert available_language({"pt-BR": "Olá"}, "en") == "pt-BR"
    assert available_language({"pt-BR": "Olá", "en": "Hello"}, "en") == "en"


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Nova região: São Paulo!", "nova-regiao-sao-paulo"),
        ("  --Hello--  ", "hello"),
        ("x" * 200, "x" * MAXIMUM_SLUG),
    ],
)
def test_a_slug_is_made_of_the_title(title: str, slug: str) -> None:
    assert slug_from(title) == slug


def test_a_title_without_letters_of_ours_needs_a_slug() -> None:
    with pytest.raises(SlugNeeded):
        slug_from("新しい")


def test_title_and_body_are_in_the_same_languages() -> None:
    with pytest.raises(LanguagesDiffer):
        revise(
            an_article(),
            title={"en": "Hello", "pt-BR": "Olá"},
            body=None,
            published_at=None,
            now=NOON,
        )


def test_a_revision_that_changes_nothing_is_none() -> None:
    article = an_article()
    later = NOON + timedelta(days=1)
    same = revise(article, title=article.title, body=None, published_at=None, now=later)
    assert same is article


def test_a_revision_raises_the_version() -> None:
    later = NOON + timedelta(days=1)
    revised = revise(
        an_article(), title={"en": "Hi"}, body=None, published_at=None, now=later
    )
    assert (revised.version, revised.updated_at) == (2, later)
    assert revised.body == {"en": "World"}
