"""What is offered to choose from, in the reader's language, and what is likely."""

import unicodedata
from functools import cache
from typing import cast
from zoneinfo import available_timezones

from babel.dates import get_timezone_location
from babel.numbers import get_currency_name

from gateway.portal.languages import current_language, locale_of
from gateway.portal.visit import Visit

_COUNTRY_CODE_LENGTH = 2
#: Codes that stand for groups or nothing, not for countries.
_NO_COUNTRIES = frozenset({"EU", "EZ", "UN", "XA", "XB", "ZZ", "QO"})
#: Where readers of a language probably are, and what they pay in there.
_LIKELY = {"pt-BR": ("BR", "BRL"), "en": ("US", "USD")}
LIKELY_CURRENCIES = tuple(sorted(currency for _, currency in _LIKELY.values()))


def likely_country() -> str:
    """Return where the visitor probably is, until they say otherwise."""
    return _LIKELY[current_language()][0]


def currency_of(visit: Visit) -> str:
    """Return what the customer pays in; for a visitor, the likely currency."""
    own = visit.me.currency if visit.me else None
    return own or _LIKELY[current_language()][1]


def countries() -> list[tuple[str, str]]:
    """Return code and name of every country, by name."""
    return _countries(current_language())


@cache
def _countries(language: str) -> list[tuple[str, str]]:
    territories = cast("dict[str, str]", locale_of(language).territories)
    named = [
        (code, name)
        for code, name in territories.items()
        if len(code) == _COUNTRY_CODE_LENGTH
        and code.isalpha()
        and code not in _NO_COUNTRIES
    ]
    return sorted(named, key=lambda country: _plain(country[1]))


def time_zones(*, besides: str) -> list[tuple[str, str]]:
    """Return every zone that is named after a place, and the one that is chosen."""
    zones = _time_zones(current_language())
    is_offered = not besides or any(name == besides for name, _ in zones)
    return zones if is_offered else [(besides, besides), *zones]


@cache
def _time_zones(language: str) -> list[tuple[str, str]]:
    named = [
        (name, get_timezone_location(name, locale=locale_of(language)))
        for name in available_timezones()
        if "/" in name and not name.startswith(("Etc/", "SystemV/", "US/", "posix"))
    ]
    # Some share a name: by their ids, too, or each process would have its own order.
    return sorted(named, key=lambda zone: (_plain(zone[1]), zone[0]))


def currency_name(code: str) -> str:
    """Return `BRL, Brazilian Real`."""
    return f"{code}, {get_currency_name(code, locale=locale_of(current_language()))}"


def _plain(name: str) -> str:
    """Return the name without accents: Áustria stands among the A's."""
    return unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
