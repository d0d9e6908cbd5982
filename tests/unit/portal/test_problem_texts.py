"""Whatever a service refuses can be said in Portuguese, with all that it names."""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po

from gateway.portal import languages
from gateway.portal.wording import label
from services.billing.domain.invoices import InvoiceStatus
from services.billing.domain.payments import PaymentMethod, PaymentStatus
from services.billing.domain.periods import Period
from services.notifier.domain.mails import MailStatus
from tests.support.texts import placeholders, templates

FOLDER = Path(languages.__file__).parent / "translations"
#: Where the number is always one, so that a sentence may do without it.
ALWAYS_ONE = frozenset({"must have at least {min_length} character"})
#: What a list says that has nothing in it.
NOTHING = "none"
TERMS: dict[str, type[StrEnum]] = {
    "invoice": InvoiceStatus,
    "payment": PaymentStatus,
    "mail": MailStatus,
    "method": PaymentMethod,
    "period": Period,
}


def messages(language: str) -> Iterator[Message]:
    with (FOLDER / language / "problems.po").open("rb") as source:
        yield from (message for message in read_po(source) if message.id)


IN_PORTUGUESE = {
    str(message.id): message for message in messages("pt_BR") if not message.context
}


@pytest.mark.parametrize("template", sorted(templates()))
def test_a_text_of_the_api_is_in_portuguese(template: str) -> None:
    found = IN_PORTUGUESE.get(template)
    assert found is not None
    assert found.string
    assert not found.fuzzy


@pytest.mark.parametrize("language", ["pt_BR", "en"])
def test_a_translation_names_what_the_template_names(language: str) -> None:
    for message in messages(language):
        named = placeholders(str(message.string))
        if message.id in ALWAYS_ONE:
            assert named <= placeholders(str(message.id))
        else:
            assert named == placeholders(str(message.id)), message.id


def test_no_translation_is_of_a_text_that_nothing_says() -> None:
    assert IN_PORTUGUESE.keys() - templates() == {NOTHING}
    said = {str(message.id) for message in messages("en") if not message.context}
    assert said <= templates()


def test_no_text_ends_with_a_full_stop() -> None:
    for text in (*templates(), *(str(m.string) for m in IN_PORTUGUESE.values())):
        assert not text.endswith(".")


@pytest.mark.parametrize("kind", TERMS)
def test_the_apis_own_words_are_in_portuguese(kind: str) -> None:
    known = {m.id: m.string for m in messages("pt_BR") if m.context == kind}
    assert known.keys() == set(TERMS[kind])
    assert all(known.values())


@pytest.mark.parametrize("kind", TERMS)
def test_english_names_no_word_that_the_api_lacks(kind: str) -> None:
    said = {str(m.id) for m in messages("en") if m.context == kind}
    assert said <= set(TERMS[kind])


@pytest.mark.parametrize("language", list(languages.LANGUAGES))
@pytest.mark.parametrize("kind", ["invoice", "payment", "mail", "method"])
def test_a_problem_calls_a_thing_what_its_label_calls_it(
    kind: str, language: str
) -> None:
    languages.speak(language)
    texts = languages.translations(language)
    for word in TERMS[kind]:
        said = str(texts.pgettext(kind, word.value)).replace("_", " ")
        assert said.casefold() == label(word.value, kind).casefold()
