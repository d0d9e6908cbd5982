"""What services refuse, in the words of the page's language."""

from collections.abc import Iterator

from chassis.http.models import Problem


def explain_fields(problem: Problem) -> Iterator[tuple[str, str]]:
    """Yield each field at fault and what it must be."""
    for fault in problem.errors or ():
        yield fault.field, fault.message


def explain_problem(problem: Problem) -> str:
    """Return what is wrong with the whole."""
    return problem.detail
