"""The languages of the pages: which one to answer in, and its texts.

Texts in templates and views are English; `translations/pt_BR/*.po` have them in
Brazilian Portuguese, one file for each part of the portal.
"""

from contextvars import ContextVar
from functools import cache
from io import BytesIO
from pathlib import Path

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

from contracts.languages import preferred_language

#: Each by its own name, as a chooser shows it.
LANGUAGES = {"en": "English", "pt-BR": "Português (Brasil)"}
DEFAULT = "en"

_FOLDER = Path(__file__).parent / "translations"
#: The language of the page that is being made.
_CURRENT: ContextVar[str] = ContextVar("language", default=DEFAULT)


def N_(text: str) -> str:  # noqa: N802 - the name that gettext's tools know
    """Mark a text that is translated later, where it is shown."""
    return text


def speak(language: str) -> None:
    """Make the rest of this request speak the language."""
    _CURRENT.set(language)


def current_language() -> str:
    return _CURRENT.get()


def current_locale() -> Locale:
    return locale_of(_CURRENT.get())


@cache
def locale_of(language: str) -> Locale:
    return Locale.parse(language, sep="-")


def gettext(text: str) -> str:
    """Return the text in the language of the page."""
    return translations(_CURRENT.get()).gettext(text)


def ngettext(one: str, many: str, number: int) -> str:
    """Return the text for so many, in the language of the page."""
    return translations(_CURRENT.get()).ngettext(one, many, number)


@cache
def translations(language: str) -> NullTranslations:
    """Return the texts of a language; English needs none."""
    folder = _FOLDER / language.replace("-", "_")
    merged = Catalog(locale=language.replace("-", "_"))
    for path in sorted(folder.glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=merged.locale):
                if message.id:
                    merged.add(message.id, message.string, context=message.context)
    if len(merged) == 0:
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, merged)
    compiled.seek(0)
    return Translations(compiled)


def choose(chosen: str | None, own: str | None, accepted: str) -> str:
    """Return the visitor's choice, else their own language, else the browser's."""
    for language in (chosen, own):
        if language in LANGUAGES:
            return language
    return preferred_language(accepted)
