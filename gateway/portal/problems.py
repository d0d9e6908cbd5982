"""What services refuse, as sentences in the reader's language."""

import re
from collections.abc import Mapping
from decimal import Decimal

from babel import Locale, dates, numbers
from babel.support import NullTranslations

from chassis.http.models import DateValue, MoneyValue, Problem, ProblemValue

#: Values that are words of the API, and the context that translations know them in.
_TERMS: Mapping[str, str] = {
    "invoice_status": "invoice",
    "payment_status": "payment",
    "mail_status": "mail",
    "method": "method",
    "methods": "method",
    "period": "period",
}
_PLACE = re.compile(r"\{\{|\}\}|\{(\w+)\}")


def explain(
    template: str,
    values: Mapping[str, ProblemValue],
    translations: NullTranslations,
    locale: Locale,
) -> str:
    """Return the template in the reader's language, filled in, without a full stop."""
    sentence = _translated(template, translations)
    return _filled(sentence[:1].upper() + sentence[1:], values, translations, locale)


def explain_whole(
    problem: Problem, translations: NullTranslations, locale: Locale
) -> str:
    """Return the problem's title, and what happened this time if it tells that."""
    title = explain(problem.title, {}, translations, locale)
    if problem.errors or problem.template == problem.title:
        return title
    sentence = _translated(problem.template, translations)
    return f"{title}: {_filled(sentence, problem.values, translations, locale)}"


def _translated(template: str, translations: NullTranslations) -> str:
    return translations.gettext(template).rstrip(".")


def _filled(
    sentence: str,
    values: Mapping[str, ProblemValue],
    translations: NullTranslations,
    locale: Locale,
) -> str:
    def fill(place: re.Match[str]) -> str:
        name = place[1]
        if name is None:
            return place[0][0]  # A brace that stands for itself is written twice.
        if name not in values:
            return place[0]
        return _shown(name, values[name], translations, locale)

    # Not `str.format`: what is missing or odd must never break the page.
    return _PLACE.sub(fill, sentence)


def _shown(
    name: str, value: ProblemValue, translations: NullTranslations, locale: Locale
) -> str:
    if isinstance(value, MoneyValue):
        amount = Decimal(value.amount)
        return numbers.format_currency(amount, value.currency, locale=locale)
    if isinstance(value, DateValue):
        return dates.format_date(value.date, "medium", locale=locale)
    if isinstance(value, int):
        return numbers.format_decimal(value, locale=locale)
    if isinstance(value, list):
        words = [_word(name, each, translations) for each in value]
        return ", ".join(words) or translations.gettext("none")
    return _word(name, value, translations)


def _word(name: str, word: str, translations: NullTranslations) -> str:
    """Return a text as it is, unless it is a word of the API."""
    if name not in _TERMS:
        return word
    known = str(translations.pgettext(_TERMS[name], word))
    return word.replace("_", " ") if known == word else known
