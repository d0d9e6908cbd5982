"""How long to wait is said in whole units, and never shorter than it is."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.portal.formats import wait
from gateway.portal.languages import speak

SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 24 * 3600}


@pytest.mark.parametrize(
    ("seconds", "english", "portuguese"),
    [
        (1, "1 second", "1 segundo"),
        (37, "37 seconds", "37 segundos"),
        (60, "1 minute", "1 minuto"),
        (61, "2 minutes", "2 minutos"),
        (899, "15 minutes", "15 minutos"),
        (3600, "1 hour", "1 hora"),
    ],
)
def test_a_wait_is_said_in_the_readers_language(
    seconds: int, english: str, portuguese: str
) -> None:
    speak("pt-BR")
    assert wait(seconds) == portuguese
    speak("en")
    assert wait(seconds) == english


@given(st.integers(1, 20 * 3600))
def test_a_wait_is_never_said_shorter_than_it_is(seconds: int) -> None:
    speak("en")
    said = re.fullmatch(r"(\d+) (second|minute|hour)s?", wait(seconds))
    assert said is not None
    assert int(said[1]) * SECONDS[said[2]] >= seconds
