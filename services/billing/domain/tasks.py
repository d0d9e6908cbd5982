"""What staff is asked to look at: each task's words, for tickets to say in a language.

Every text is a literal with names where values go, as errors have it: tickets knows it
in other languages by its English words (services/tickets/domain/tasks.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from chassis.errors import Text
from chassis.money import Money
from services.billing.domain.runs import Step

_RUN_FAILED: Final[Mapping[Step, str]] = {
    Step.RENEWAL: (
        "The renewal of services failed as of {day}: {problem}. All others were dealt "
        "with. Every run tries this again, until it succeeds; the log has the details."
    ),
    Step.CREDIT: (
        "Paying due invoices from credit failed as of {day}: {problem}. All others "
        "were dealt with. Every run tries this again, until it succeeds; the log has "
        "the details."
    ),
    Step.CANCELLATION: (
        "Cancelling unpaid orders failed as of {day}: {problem}. All others were dealt "
        "with. Every run tries this again, until it succeeds; the log has the details."
    ),
}


@dataclass(frozen=True, slots=True)
class Task:
    """What a task is called, and what there is to know for it."""

    title: Text
    details: Text


def run_failed(step: Step, *, on: date, problem: str) -> Task:
    """Say that a step of the daily run failed for a customer."""
    return Task(
        Text("The daily run failed for a customer", {}),
        Text(_RUN_FAILED[step], {"day": on, "problem": problem}),
    )


def money_passed_over(
    reference: str, *, received: Money, credited: Money, invoices: Sequence[str]
) -> Task:
    """Say that a payment came for invoices that can't take it, and became credit."""
    return Task(
        Text(
            "Payment {reference} arrived for what it can't pay",
            {"reference": reference},
        ),
        Text(
            "{received} arrived; it was meant for {invoices}, which can't take it any "
            "more. {credited} of it became the customer's credit. Was it meant for "
            "something else?",
            {"received": received, "invoices": invoices, "credited": credited},
        ),
    )
