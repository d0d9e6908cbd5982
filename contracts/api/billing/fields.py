"""Kinds of fields that billing's API uses in several places."""

import unicodedata
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, StringConstraints

from chassis.errors import BadValue
from chassis.money import EXPONENTS
from contracts.api.fields import DISTINCT, ONE_LINE

T = TypeVar("T")

PeriodName = Literal[
    "one_time",
    "monthly",
    "quarterly",
    "semiannual",
    "annual",
    "biennial",
    "triennial",
]


def _known_currency(code: str) -> str:
    if code not in EXPONENTS:
        raise BadValue("must be one of {currencies}", currencies=sorted(EXPONENTS))
    return code


def _as_it_looks(text: str) -> str:
    visible = (each for each in text if unicodedata.category(each) != "Cf")
    looks = " ".join("".join(visible).split())
    if not looks:
        raise BadValue("must have at least 1 visible character")
    return looks


def _split(value: object) -> object:
    return value.split(",") if isinstance(value, str) else value


#: Of a query string: one of something, or several with commas between them.
Several = Annotated[tuple[T, ...], BeforeValidator(_split), DISTINCT]
Slug = Annotated[str, StringConstraints(min_length=1, max_length=60)]
Label = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    ONE_LINE,
]
#: Copied from a bank's page, where invisible characters and spaces come along: what
#: looks alike is alike.
BankText = Annotated[Label, AfterValidator(_as_it_looks)]
CurrencyCode = Annotated[
    str,
    StringConstraints(min_length=3, max_length=3),
    AfterValidator(_known_currency),
]
