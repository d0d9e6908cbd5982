"""What services refuse, in the words of the page's language."""

from collections.abc import Iterator
from http import HTTPStatus

from chassis.http.models import Problem
from gateway.portal.formats import wait
from gateway.portal.languages import (
    current_language,
    current_locale,
    gettext,
    translations,
)
from gateway.portal.problems import explain, explain_whole
from gateway.services import Refused


def explain_fields(problem: Problem) -> Iterator[tuple[str, str]]:
    """Yield each field at fault and what it must be."""
    texts, locale = translations(current_language()), current_locale()
    for fault in problem.errors or ():
        yield fault.field, explain(fault.template, fault.values, texts, locale)


def explain_problem(problem: Problem) -> str:
    """Return what is wrong with the whole."""
    return explain_whole(problem, translations(current_language()), current_locale())


def explain_refusal(refusal: Refused) -> str:
    """Return what is wrong with the whole, and when it may be tried again."""
    seconds = refusal.retry_after
    if seconds is None:
        return explain_problem(refusal.problem)
    why = f"{explain_problem(refusal.problem)}."
    if refusal.status == HTTPStatus.TOO_MANY_REQUESTS:
        why = gettext("There were too many attempts.")
    return f"{why} {when_again(seconds)}"


def when_again(seconds: int) -> str:
    return gettext("Please try again in %(time)s.") % {"time": wait(seconds)}
