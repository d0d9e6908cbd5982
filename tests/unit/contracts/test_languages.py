"""Readers get the language that they prefer, of those we write."""

import pytest

from contracts.languages import preferred_language


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("*", "en"),
        ("pt", "pt-BR"),
        ("pt-PT,pt;q=0.9", "pt-BR"),
        ("fr, pt-BR;q=0.8, en;q=0.9", "en"),
        ("en;q=0, pt;q=0.1", "pt-BR"),
        ("pt;q=nonsense", "en"),
        (";;;,,q=", "en"),
    ],
)
def test_readers_get_the_language_they_prefer(header: str, language: str) -> None:
    assert preferred_language(header) == language
