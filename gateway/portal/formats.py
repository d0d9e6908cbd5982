"""Money, dates, times and sizes, as readers of the page's language write them."""

import re
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import dates, numbers

from contracts.money import MoneyModel
from gateway.portal.languages import current_language, current_locale, gettext

_KILOBYTE = 1024
#: An hour and a minute, in seconds.
_UNITS = (3600, 60)
_SPACES = re.compile(r"\s")
_LOCALES = ("en", "pt_BR")


def money(amount: MoneyModel) -> str:
    """Return `R$ 1.234,50`, or `R$1,234.50` in English."""
    return numbers.format_currency(
        Decimal(amount.amount), amount.currency, locale=current_locale()
    )


def number(value: float) -> str:
    return numbers.format_decimal(value, locale=current_locale())


def day(value: date) -> str:
    """Return a calendar date: `Dec 1, 2026`, `1 de dez. de 2026`."""
    return dates.format_date(value, "medium", locale=current_locale())


def instant(value: datetime, zone: str) -> str:
    """Return date and time, to the minute, in the reader's time zone."""
    locale = current_locale()
    there = value.astimezone(_zone(zone))
    day_then = dates.format_date(there, "medium", locale=locale)
    time_then = dates.format_time(there, "short", locale=locale)
    joined = str(locale.datetime_formats["medium"])
    return joined.replace("{1}", day_then).replace("{0}", time_then)


def ago(value: datetime, now: datetime) -> str:
    """Return how long ago: `3 hours ago`."""
    passed = min(value - now, timedelta(0))
    return dates.format_timedelta(passed, add_direction=True, locale=current_locale())


def duration(minutes: int, fewest: float = 1.2) -> str:
    """Return `2 hours`: how long something is expected to take.

    `fewest` is how many of a unit there must be: of 2, 36 hours are not yet days.
    """
    return dates.format_timedelta(
        timedelta(minutes=minutes), threshold=fewest, locale=current_locale()
    )


def wait(seconds: int) -> str:
    """Return `2 minutes`: how long to wait, never said shorter than it is."""
    unit = next((unit for unit in _UNITS if seconds > unit), 1)
    whole = timedelta(seconds=-(-seconds // unit) * unit)
    return dates.format_timedelta(whole, threshold=1, locale=current_locale())


def file_size(size: int) -> str:
    """Return `1.4 MB`."""
    if size < _KILOBYTE:
        return gettext("%(size)s bytes") % {"size": number(size)}
    kilobytes = size / _KILOBYTE
    if kilobytes < _KILOBYTE:
        return f"{number(round(kilobytes))} KB"
    return f"{number(round(kilobytes / _KILOBYTE, 1))} MB"


def typed_amount(text: str, currency: str) -> str:
    """Return an amount as the API takes it: `R$ 1.234,50` becomes `1234.50`.

    The page's language is tried first, then the other way of writing. What is no
    amount in either, or says another currency, is returned as it is, to be refused.
    """
    bare = _without_currency(text.strip(), currency)
    marks = (",.", ".,") if current_language() == "pt-BR" else (".,", ",.")
    for decimal, grouping in marks:
        if _amount_pattern(decimal, grouping).fullmatch(bare):
            return _SPACES.sub("", bare.replace(grouping, "")).replace(decimal, ".")
    return text.strip()


def _without_currency(text: str, currency: str) -> str:
    """Return the text without this currency's own code or sign before it."""
    signs = {numbers.get_currency_symbol(currency, locale) for locale in _LOCALES}
    for sign in sorted({currency, *signs}, key=len, reverse=True):
        if text.startswith(sign):
            return text.removeprefix(sign).lstrip()
    return text


@cache
def _amount_pattern(decimal: str, grouping: str) -> re.Pattern[str]:
    between = rf"(?:{re.escape(grouping)}|\s)"
    whole = rf"(?:[0-9]+|[0-9]{{1,3}}(?:{between}[0-9]{{3}})+)"
    return re.compile(rf"{whole}(?:{re.escape(decimal)}[0-9]+)?")


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
