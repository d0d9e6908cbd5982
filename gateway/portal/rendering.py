"""Templates: how they are found, and what every one of them can use."""

from datetime import datetime
from pathlib import Path
from typing import cast

import aiohttp_jinja2
import jinja2
from aiohttp import web

from contracts.money import MoneyModel
from gateway.portal import formats, text
from gateway.portal.assets import asset_url, icon
from gateway.portal.devices import device_name
from gateway.portal.forms import CSRF_FIELD, KEY_FIELD, USER_FIELD
from gateway.portal.languages import (
    LANGUAGES,
    current_language,
    gettext,
    ngettext,
)
from gateway.portal.menu import is_current, menu_of
from gateway.portal.returned import page_before
from gateway.portal.visit import Visit, with_query
from gateway.portal.wording import label, tone

TEMPLATES = Path(__file__).parent / "templates"
#: Of the stream's events those that pages show anything of.
LIVE_EVENTS = (
    "billing.credit.changed",
    "billing.invoice.issued",
    "billing.invoice.updated",
    "billing.invoice.paid",
    "billing.invoice.voided",
    "billing.payment.started",
    "billing.payment.succeeded",
    "billing.payment.cancelled",
    "billing.service.ordered",
    "billing.service.activated",
    "billing.service.renewed",
    "billing.service.cancelled",
    "tickets.ticket.opened",
    "tickets.ticket.replied",
    "tickets.ticket.answered",
    "tickets.ticket.closed",
    "tickets.ticket.held",
    "tickets.ticket.reopened",
)
THEMES = ("auto", "light", "dark")


def set_up_templates(app: web.Application, *, company: str) -> None:
    """Make every template's surroundings: texts, formats, icons, addresses."""
    env = aiohttp_jinja2.setup(
        app,
        loader=jinja2.FileSystemLoader(TEMPLATES),
        extensions=["jinja2.ext.i18n"],
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    # The extension adds it; its own type says nothing of it.
    env.install_gettext_callables(gettext, ngettext, newstyle=True)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    cast("dict[str, object]", env.filters).update(_filters())
    cast("dict[str, object]", env.globals).update(_names(company))


def _filters() -> dict[str, object]:
    return {
        "ago": _ago,
        "day": formats.day,
        "device_name": device_name,
        "duration": formats.duration,
        "file_size": formats.file_size,
        "instant": _instant,
        "label": label,
        "money": formats.money,
        "number": formats.number,
        "tone": tone,
        "words": text.words,
    }


def _names(company: str) -> dict[str, object]:
    return {
        "asset_url": asset_url,
        "company": company,
        "csrf_field": CSRF_FIELD,
        "current_language": current_language,
        "icon": icon,
        "is_current": is_current,
        "is_negative": _is_negative,
        "is_zero": _is_zero,
        "key_field": KEY_FIELD,
        "languages": LANGUAGES,
        "live_events": " ".join(LIVE_EVENTS),
        "menu_of": menu_of,
        "page_before": page_before,
        "theme_of": theme_of,
        "user_field": USER_FIELD,
        "with_query": with_query,
    }


def theme_of(visit: Visit) -> str:
    chosen = visit.remembered("theme")
    return chosen if chosen in THEMES else "auto"


@jinja2.pass_context
def _instant(context: jinja2.runtime.Context, value: datetime) -> str:
    return formats.instant(value, _visit(context).time_zone)


@jinja2.pass_context
def _ago(context: jinja2.runtime.Context, value: datetime) -> str:
    return formats.ago(value, _visit(context).now)


def _visit(context: jinja2.runtime.Context) -> Visit:
    return cast("Visit", context["visit"])


def _is_negative(amount: MoneyModel) -> bool:
    return amount.amount.startswith("-")


def _is_zero(amount: MoneyModel) -> bool:
    return not amount.amount.strip("-0.")
