"""Staff's tasks: what billing asks for can be said in every language of the house."""

from datetime import date
from string import Formatter
from typing import get_args

import pytest

from chassis.errors import Text
from chassis.money import Money
from contracts.api.fields import Language
from services.billing.domain import tasks as billing
from services.billing.domain.runs import Step
from services.billing.domain.tasks import Task
from services.tickets.domain.tasks import say_in

ON = date(2026, 3, 11)
PASSED_OVER = billing.money_passed_over(
    "CA-7",
    received=Money(123456, "BRL"),
    credited=Money(100, "BRL"),
    invoices=["2026-000001", "{problem} 100% {"],
)
TASKS = [
    *(billing.run_failed(step, on=ON, problem="lost {it}") for step in Step),
    PASSED_OVER,
]
LANGUAGES = [name for name in get_args(Language) if name != "en"]


@pytest.mark.parametrize("task", TASKS, ids=str)
def test_every_task_of_billing_is_known_in_every_language(task: Task) -> None:
    assert LANGUAGES
    for language in LANGUAGES:
        for text in (task.title, task.details):
            said = say_in(language, text)
            assert said
            assert said != str(text)
            for value in text.values.values():
                if isinstance(value, str):
                    assert value in said


@pytest.mark.parametrize("task", TASKS, ids=str)
def test_a_template_names_exactly_its_values(task: Task) -> None:
    for text in (task.title, task.details):
        named = {name for _, name, _, _ in Formatter().parse(text.template) if name}
        assert named == set(text.values)


def test_amounts_and_lists_are_written_as_the_language_does() -> None:
    said = (say_in("pt-BR", PASSED_OVER.details) or "").replace(
        "\N{NO-BREAK SPACE}", " "
    )
    assert said.startswith("Chegaram R$ 1.234,56, destinados a 2026-000001, {problem}")
    assert "R$ 1,00 viraram crédito" in said
    failed = say_in("pt-BR", TASKS[0].details) or ""
    assert "11 de mar. de 2026: lost {it}" in failed


def test_what_is_not_known_is_said_by_nobody() -> None:
    assert say_in("pt-BR", Text("Look at {this}", {})) is None
    assert say_in("en", PASSED_OVER.title) is None
