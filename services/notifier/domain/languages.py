"""The languages we write in, and which of them a reader gets."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal, TypeAlias

#: How texts are keyed by language, in the API and in the database.
Tag: TypeAlias = Literal["en", "pt-BR"]


class Language(StrEnum):
    EN = "en"
    PT_BR = "pt-BR"


def language_of(tag: str) -> Language:
    """Return the language we write to somebody who asked for `tag`."""
    primary = tag.strip().lower().partition("-")[0]
    return Language.PT_BR if primary == "pt" else Language.EN


def available_language(texts: Mapping[Tag, str], wanted: Tag) -> Tag:
    """Return the wanted language if the text exists in it, or else one it has."""
    return wanted if wanted in texts else next(iter(texts))
