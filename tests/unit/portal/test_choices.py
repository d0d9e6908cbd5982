"""Names that people know: of devices, countries and time zones."""

import pytest

from gateway.portal.choices import countries, currency_name, time_zones
from gateway.portal.devices import device_name
from gateway.portal.languages import speak

ENGINE = "AppleWebKit/537.36 (KHTML, like Gecko)"
CHROME = f"{ENGINE} Chrome/126.0 Safari/537.36"


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (
            f"Mozilla/5.0 (Windows NT 10.0) {CHROME} Edg/126.0",
            "Edge, Windows",
        ),
        (
            f"Mozilla/5.0 (X11; Linux x86_64) {CHROME}",
            "Chrome, Linux",
        ),
        (
            f"Mozilla/5.0 (Linux; Android 14) {ENGINE} SamsungBrowser/25 Chrome/121",
            "Samsung Internet, Android",
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 14.5; rv:127.0) Firefox/127.0",
            "Firefox, macOS",
        ),
        (
            "Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X) Version/17.5 Safari/604.1",
            "Safari, iPad",
        ),
        ("my-app/1.0", "my-app/1.0"),
        ("x" * 500, "x" * 60),
        (None, "?"),
        ("", "?"),
    ],
)
def test_devices_are_called_as_people_call_them(
    user_agent: str | None, name: str
) -> None:
    assert device_name(user_agent) == name


@pytest.mark.parametrize(("language", "name"), [("en", "Brazil"), ("pt-BR", "Brasil")])
def test_countries_are_named_in_the_readers_language(language: str, name: str) -> None:
    speak(language)
    assert ("BR", name) in countries()
    assert ("EU", "European Union") not in countries()


def test_every_zone_is_offered_once() -> None:
    speak("en")
    names = [name for name, _ in time_zones(besides="")]
    assert len(names) == len(set(names))
    assert "America/Sao_Paulo" in names


def test_a_zone_that_is_chosen_is_offered_whatever_it_is() -> None:
    assert time_zones(besides="UTC")[0] == ("UTC", "UTC")
    assert time_zones(besides="Europe/Lisbon") == time_zones(besides="")


def test_a_currency_has_its_code_and_its_name() -> None:
    speak("pt-BR")
    assert currency_name("BRL") == "BRL, Real brasileiro"
