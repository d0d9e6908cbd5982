"""The frozen texts of invoice lines, in the customer's language."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from services.billing.domain.periods import Period, Span


@dataclass(frozen=True, slots=True)
class Wording:
    """One language's way to say what a line charges for."""

    periods: Mapping[Period, str]
    from_activation: str
    setup: str
    top_up: str
    day: str
    until: str


_ENGLISH = Wording(
    periods={
        Period.MONTHLY: "one month",
        Period.QUARTERLY: "three months",
        Period.SEMIANNUAL: "six months",
        Period.ANNUAL: "one year",
        Period.BIENNIAL: "two years",
        Period.TRIENNIAL: "three years",
    },
    from_activation="from activation",
    setup="Set-up of {}",
    top_up="Credit",
    day="{0.day} {0:%b} {0.year}",
    until="to",
)
_PORTUGUESE = Wording(
    periods={
        Period.MONTHLY: "um mês",
        Period.QUARTERLY: "três meses",
        Period.SEMIANNUAL: "seis meses",
        Period.ANNUAL: "um ano",
        Period.BIENNIAL: "dois anos",
        Period.TRIENNIAL: "três anos",
    },
    from_activation="a partir da ativação",
    setup="Instalação de {}",
    top_up="Crédito",
    day="{0:%d/%m/%Y}",
    until="a",
)


def wording(language: str) -> Wording:
    """Return the language's texts; English where we don't speak it."""
    return _PORTUGUESE if language.lower().startswith("pt") else _ENGLISH


def first_text(product: str, label: str, period: Period, language: str) -> str:
    """Name a service that is to begin: its dates are known at activation only."""
    said = wording(language)
    bought = name(product, label)
    if not period.recurs:
        return bought
    return f"{bought}, {said.periods[period]}, {said.from_activation}"


def renewal_text(product: str, label: str, span: Span, language: str) -> str:
    """Name a service and the days, the last one included, that are paid for."""
    return f"{name(product, label)}, {span_text(span, language)}"


def setup_text(product: str, language: str) -> str:
    return wording(language).setup.format(product)


def top_up_text(language: str) -> str:
    return wording(language).top_up


def span_text(span: Span, language: str) -> str:
    """Say the days of a period as people do: from the first to the last."""
    last = span.end - timedelta(days=1)
    until = wording(language).until
    return f"{day_text(span.start, language)} {until} {day_text(last, language)}"


def day_text(day: date, language: str) -> str:
    return wording(language).day.format(day)


def name(product: str, label: str) -> str:
    """Return the product's name, with the label that the customer gave it."""
    return product if label == product else f"{product} ({label})"
