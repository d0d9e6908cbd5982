"""Money, dates, times and sizes, as readers of the page's language write them."""

import re
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import dates, numbers

from contracts.money import MoneyModel
from gateway.portal.languages import current_language, current_locale, gettext

_KILOBYTE = 1024
_GROUPED = re.compile(r"\d{1,3}(?:[.,\u00a0\u202f ']\d{3})+")
_PLAIN = re.compile(r"\d+(?:[.,]\d+)?")


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


def duration(minutes: int) -> str:
    """Return `2 hours`: how long something is expected to take."""
    return dates.format_timedelta(
        timedelta(minutes=minutes), threshold=1.2, locale=current_locale()
    )


def file_size(size: int) -> str:
    """Return `1.4 MB`."""
    if size < _KILOBYTE:
        return gettext("%(size)s bytes") % {"size": number(size)}
    kilobytes = size / _KILOBYTE
    if kilobytes < _KILOBYTE:
        return f"{number(round(kilobytes))} KB"
    return f"{number(round(kilobytes / _KILOBYTE, 1))} MB"


def typed_amount(text: str) -> str:
    """Return an amount as the API takes it: `1.234,50` becomes `1234.50`.

    Both ways of writing are understood where they can't be mistaken; in doubt the
    page's language decides. What is no amount is returned as it is, to be refused.
    """
    bare = text.strip().replace("\u00a0", "").replace("\u202f", "").replace(" ", "")
    decimal, grouping = (",", ".") if current_language() == "pt-BR" else (".", ",")
    if bare.count(",") == 1 and bare.count(".") == 1:
        decimal = "," if bare.index(",") > bare.index(".") else "."
        grouping = "." if decimal == "," else ","
    elif _GROUPED.fullmatch(bare) and decimal not in bare:
        return bare.replace(grouping, "")
    elif _PLAIN.fullmatch(bare):
        return bare.replace(",", ".")
    plain = bare.replace(grouping, "").replace(decimal, ".")
    return plain if _is_number(plain) else text.strip()


def _is_number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
