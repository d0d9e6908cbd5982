"""Problems as people read them: their language, their money, their dates."""

from datetime import date

import pytest
from babel import Locale
from babel.support import NullTranslations

from chassis.http.models import (
    DateValue,
    FieldProblem,
    MoneyValue,
    Problem,
    ProblemValue,
)
from gateway.portal.languages import locale_of, translations
from gateway.portal.problems import explain, explain_whole

ENGLISH = Locale("en")
LIMITS = "must be from {minimum} to {maximum}"


def said(language: str, template: str, **values: ProblemValue) -> str:
    text = explain(template, values, translations(language), locale_of(language))
    return text.replace("\u00a0", " ")


def untranslated(template: str, **values: ProblemValue) -> str:
    return explain(template, values, NullTranslations(), ENGLISH)


def real(amount: str) -> MoneyValue:
    return MoneyValue(amount=amount, currency="BRL")


def test_money_is_written_as_the_reader_writes_it() -> None:
    limits = {"minimum": real("10.00"), "maximum": real("5000.00")}
    assert said("en", LIMITS, **limits) == "Must be from R$10.00 to R$5,000.00"
    assert said("pt-BR", LIMITS, **limits) == "Deve ser de R$ 10,00 a R$ 5.000,00"


def test_dates_are_written_as_the_reader_writes_them() -> None:
    today = DateValue(date=date(2026, 12, 1))
    template = "must be at most {today}, today"
    assert said("en", template, today=today) == "Can't be after today, Dec 1, 2026"
    assert said("pt-BR", template, today=today) == (
        "Não pode ser depois de hoje, 1 de dez. de 2026"
    )


def test_numbers_are_grouped() -> None:
    template = "must have at most {max_length} characters"
    assert said("en", template, max_length=20_000).endswith("20,000 characters")
    assert said("pt-BR", template, max_length=20_000).endswith("20.000 caracteres")


def test_the_apis_own_words_are_translated_by_what_they_are_about() -> None:
    template = "payment {payment} by {method} is {payment_status}"
    values = {"payment": "TR-1", "method": "bank_transfer", "payment_status": "failed"}
    assert said("en", template, **values) == "Payment TR-1 by bank transfer is failed"
    assert said("pt-BR", template, **values) == (
        "O pagamento TR-1 por transferência bancária está recusado"
    )


def test_lists_are_joined_and_an_empty_one_says_so() -> None:
    template = "methods offered in {currency}: {methods}"
    offered = said("pt-BR", template, currency="BRL", methods=["pix", "bank_transfer"])
    assert offered.endswith("em BRL: Pix, transferência bancária")
    assert said("pt-BR", template, currency="USD", methods=[]).endswith("USD: nenhuma")


@pytest.mark.parametrize(
    "product", ["paid", "2026-12-01", "{maximum}", "{0.__class__}", "a.", "is required"]
)
def test_a_customers_words_stay_as_they_are(product: str) -> None:
    template = "there is no product '{product}'"
    values: dict[str, ProblemValue] = {"product": product, "maximum": 7}
    assert said("pt-BR", template, **values) == f"Não existe o produto “{product}”"


def test_a_value_at_the_start_keeps_its_case() -> None:
    assert untranslated("{name} is not JSON", name="nan") == "nan is not JSON"


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("must match {{1,3}}", "Must match {1,3}"),
        ("needs {unknown}", "Needs {unknown}"),
        ("an odd { brace", "An odd { brace"),
        ("{a.b} and {a[0]} and {a!r}", "{a.b} and {a[0]} and {a!r}"),
    ],
)
def test_an_odd_template_never_breaks_the_page(template: str, text: str) -> None:
    assert untranslated(template, a="x") == text


def a_problem(title: str, template: str, **values: ProblemValue) -> Problem:
    return Problem(
        type="/api/docs/problems#CreditTooLow",
        title=title,
        status=409,
        detail="",
        template=template,
        values=values,
        instance="/",
        request_id="r",
    )


def whole(problem: Problem) -> str:
    text = explain_whole(problem, translations("pt-BR"), locale_of("pt-BR"))
    return text.replace("\u00a0", " ")


def test_a_whole_problem_tells_what_happened_after_its_title() -> None:
    title = "There isn't enough credit"
    problem = a_problem(title, "the credit is {credit}", credit=real("1.50"))
    assert whole(problem) == (
        "Não há crédito suficiente: o crédito disponível é de R$ 1,50"
    )
    assert whole(a_problem(title, title)) == "Não há crédito suficiente"


def test_a_problem_of_fields_leaves_the_rest_to_them() -> None:
    fault = FieldProblem(field="file", message="", template="is required", values={})
    problem = a_problem("The file can't be accepted", "the file is empty")
    problem = problem.model_copy(update={"errors": [fault]})
    assert whole(problem) == "O arquivo não pode ser aceito"
