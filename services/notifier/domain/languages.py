"""The languages we write in, and which of them a reader gets."""

from collections.abc import Mapping, Sequence
from enum import StrEnum


class Language(StrEnum):
    EN = "en"
    PT_BR = "pt-BR"


def language_of(tag: str) -> Language:
    """Return the language we write to somebody who asked for `tag`."""
    primary = tag.strip().lower().partition("-")[0]
    return Language.PT_BR if primary == "pt" else Language.EN


def preferred_language(accept_language: str) -> Language:
    """Return the reader's best language of ours, from an Accept-Language header."""
    ranked = sorted(map(_weighed, accept_language.split(",")), reverse=True)
    wanted = [tag for weight, tag in ranked if weight > 0 and tag[:2] in ("en", "pt")]
    return language_of(wanted[0]) if wanted else Language.EN


def available_language(texts: Mapping[str, str], wanted: Sequence[str]) -> Language:
    """Return the first wanted language that the text exists in, or any it has."""
    for language in (*wanted, *texts):
        if language in texts:
            return Language(language)
    raise ValueError("a text exists in at least one language")


def _weighed(part: str) -> tuple[float, str]:
    tag, _, quality = part.strip().lower().partition(";")
    try:
        return float(quality.strip().removeprefix("q=") or 1), tag.strip()
    except ValueError:
        return 0.0, tag
