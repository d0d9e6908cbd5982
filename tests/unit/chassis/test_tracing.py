"""Traces go on where the caller's are sane, and begin anew where they aren't."""

import re

import pytest

from chassis.tracing import begin_trace, continue_trace

GIVEN = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"


def test_a_trace_keeps_its_id_and_flags_and_gets_a_span_of_our_own() -> None:
    version, trace, span, flags = continue_trace(GIVEN).split("-")
    assert (version, trace, flags) == ("00", "4bf92f3577b34da6a3ce929d0e0e4736", "00")
    assert span != "00f067aa0ba902b7"


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "nonsense",
        GIVEN.upper(),
        GIVEN + "\n",
        GIVEN.replace("00-4bf", "ff-4bf"),
        "00-" + "0" * 32 + "-00f067aa0ba902b7-01",
        "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
    ],
)
def test_anything_else_begins_a_trace(given: str | None) -> None:
    made = continue_trace(given)
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-01", made)
    assert made.split("-")[1] != GIVEN.split("-")[1]


def test_no_two_traces_are_the_same() -> None:
    assert begin_trace() != begin_trace()
