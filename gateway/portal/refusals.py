"""What services refuse, in the words of the page's language."""

from collections.abc import Iterator

from chassis.http.models import Problem
from gateway.portal.languages import current_language, current_locale, translations
from gateway.portal.problems import explain, explain_whole


def explain_fields(problem: Problem) -> Iterator[tuple[str, str]]:
    """Yield each field at fault and what it must be."""
    texts, locale = translations(current_language()), current_locale()
    for fault in problem.errors or ():
        yield fault.field, explain(fault.template, fault.values, texts, locale)


def explain_problem(problem: Problem) -> str:
    """Return what is wrong with the whole."""
    return explain_whole(problem, translations(current_language()), current_locale())
