"""What tests of the portal's parts have in common."""

import pytest

from gateway.portal.languages import DEFAULT, speak


@pytest.fixture(autouse=True)
def english() -> None:
    """Begin in English, whatever the test before has spoken."""
    speak(DEFAULT)
