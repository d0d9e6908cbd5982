"""Money, dates and other people's words, as a reader of the language writes them."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, tzinfo
from decimal import Decimal
from typing import cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from babel.dates import format_date, format_time, get_timezone_gmt
from babel.numbers import format_currency
from jinja2 import pass_context
from jinja2.runtime import Context
from jinja2.utils import urlize
from markupsafe import Markup

from services.notifier.domain.languages import Language

#: Control characters have no place in a mail; tabs and line ends do.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_ADVERTISEMENT = re.compile(r"://|www\.|@|\w\.\w{2}", re.IGNORECASE)
_GAPS = re.compile(r"\n(?:[ \t]*\n){2,}")
_NO_BREAK_SPACES = re.compile("[\u00a0\u202f]")

Filter = Callable[..., object]


def filters(language: Language, *, html: bool) -> Mapping[str, Filter]:
    """Return the templates' filters for a language."""
    locale = Locale.parse(language, sep="-")

    def as_money(value: object) -> str:
        return _plain(money(value, locale), html=html)

    def as_date(value: str) -> str:
        return format_date(date.fromisoformat(value), "long", locale)

    return {
        "money": as_money,
        "date": as_date,
        "instant": _instant_filter(locale),
        "unsigned": unsigned,
        "words": linked if html else readable,
    }


def money(value: object, locale: Locale) -> str:
    """Return an amount such as {"amount": "49.90", "currency": "BRL"} for reading."""
    amount, currency = _money(value)
    return format_currency(amount, currency, locale=locale)


def unsigned(value: object) -> Mapping[str, str]:
    """Return the amount without its sign."""
    amount, currency = _money(value)
    return {"amount": str(abs(amount)), "currency": currency}


def is_positive(value: object) -> bool:
    return _money(value)[0] > 0


def readable(text: str) -> str:
    """Return somebody's text without what could upset a terminal or a mail program."""
    return _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()


def linked(text: str) -> Markup:
    """Return somebody's text as HTML that shows it literally, with safe links."""
    shown = urlize(readable(text), rel="nofollow noopener", target="_blank")
    return Markup(shown.replace("\n", "<br>\n"))  # noqa: S704 - urlize has escaped it


def greeting_name(name: str) -> str:
    """Return the name for a greeting; none where it may be an advertisement.

    Strangers can have a mail sent to any address under a name of their choice.
    """
    name = " ".join(readable(name).split())
    return "" if _ADVERTISEMENT.search(name) else name


def tidy(text: str) -> str:
    """Return the text twin without the gaps that empty parts leave."""
    lines = "\n".join(line.rstrip() for line in text.splitlines())
    return _GAPS.sub("\n\n", lines).strip() + "\n"


def zone_of(name: str) -> tzinfo:
    """Return the zone of that name, or UTC where the name means nothing to us."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def _instant_filter(locale: Locale) -> Filter:
    @pass_context
    def instant(context: Context, value: str) -> str:
        zone = zone_of(str(context["time_zone"]))
        at = datetime.fromisoformat(value).astimezone(zone)
        day = format_date(at.date(), "long", locale)
        time = format_time(at, "short", tzinfo=zone, locale=locale)
        return f"{day}, {time} ({get_timezone_gmt(at, 'long', locale)})"

    return instant


def _money(value: object) -> tuple[Decimal, str]:
    fields = cast("Mapping[str, str]", value)
    return Decimal(fields["amount"]), fields["currency"]


def _plain(text: str, *, html: bool) -> str:
    """Use ordinary spaces in the text twin, where a reader may search or copy."""
    return text if html else _NO_BREAK_SPACES.sub(" ", text)
