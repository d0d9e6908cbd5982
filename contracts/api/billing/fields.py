"""Kinds of fields that billing's API uses in several places."""

import unicodedata
from typing import Annotated, Literal

from pydantic import AfterValidator, StringConstraints

from chassis.money import EXPONENTS

PeriodName = Literal[
    "one_time",
    "monthly",
    "quarterly",
    "semiannual",
    "annual",
    "biennial",
    "triennial",
]

#: Unicode's categories of control characters, line and paragraph separators.
_BREAKS = frozenset({"Cc", "Zl", "Zp"})


def _one_line(text: str) -> str:
    if any(unicodedata.category(character) in _BREAKS for character in text):
        raise ValueError("must be one line without control characters")
    return text


def _known_currency(code: str) -> str:
    if code not in EXPONENTS:
        raise ValueError(f"must be one of {', '.join(sorted(EXPONENTS))}")
    return code


Slug = Annotated[str, StringConstraints(min_length=1, max_length=60)]
Label = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    AfterValidator(_one_line),
]
CurrencyCode = Annotated[
    str,
    StringConstraints(min_length=3, max_length=3),
    AfterValidator(_known_currency),
]
