"""What people write and type is read as they meant it, and never as markup."""

import pytest

from gateway.portal.formats import typed_amount
from gateway.portal.languages import speak
from gateway.portal.text import MAXIMUM_BRACKETS, words


@pytest.mark.parametrize(
    ("language", "currency", "typed", "read"),
    [
        ("pt-BR", "BRL", "1.234,50", "1234.50"),
        ("pt-BR", "BRL", "1.234", "1234"),
        ("pt-BR", "BRL", "50,00", "50.00"),
        ("pt-BR", "BRL", "50.00", "50.00"),
        ("pt-BR", "BRL", "R$ 50,00", "50.00"),
        ("pt-BR", "BRL", "1.000.000,00", "1000000.00"),
        ("en", "BRL", "1,234.50", "1234.50"),
        ("en", "BRL", "1,234", "1234"),
        ("en", "BRL", "1.234", "1.234"),
        ("en", "BRL", "50,00", "50.00"),
        ("en", "USD", "$50", "50"),
        ("en", "USD", "USD 50.00", "50.00"),
        ("en", "BRL", " 1 234.50 ", "1234.50"),
    ],
)
def test_an_amount_is_read_as_its_language_writes_it(
    language: str, currency: str, typed: str, read: str
) -> None:
    speak(language)
    assert typed_amount(typed, currency) == read


@pytest.mark.parametrize("language", ["en", "pt-BR"])
@pytest.mark.parametrize(
    "typed",
    [
        *("", "NaN", "-5", "1e5", "1,23.45", "12.34.56", "ten", "5,", "٣", "5 0"),
        *("US$ 50", "USD 50", "€50", "EUR50", "ABC50", "$50"),
    ],
)
def test_what_is_no_amount_goes_on_as_it_was_typed(language: str, typed: str) -> None:
    speak(language)
    assert typed_amount(typed, "BRL") == typed


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        "[x](data:text/html,<script>)",
        "![x](http://elsewhere.example/seen.png)",
        '<img src=x onerror="alert(1)">',
        '"><b onmouseover=alert(1)>',
    ],
)
def test_no_markup_of_a_writer_becomes_markup(hostile: str) -> None:
    shown = words(hostile)
    assert not any(tag in shown for tag in ("<script", "<img", "<b ", 'href="java'))
    assert 'href="data:' not in shown


def test_a_link_leads_away_without_telling_from_where() -> None:
    assert 'rel="nofollow noopener noreferrer"' in words("see https://example.com")


def test_more_brackets_than_anybody_writes_are_shown_as_they_are() -> None:
    assert words("[" * (MAXIMUM_BRACKETS + 1)).startswith('<p class="plain">[[')
