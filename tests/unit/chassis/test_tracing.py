"""Traces go on where the caller's are sane, and begin anew where they aren't."""

import re
import sys

import pytest

from chassis.context import Cause, current_cause
from chassis.tracing import begin_trace, readable, recorder, recording, traced

GIVEN = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"


def test_a_sane_trace_is_taken_over() -> None:
    assert readable(GIVEN) == GIVEN


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
def test_anything_else_is_not(given: str | None) -> None:
    assert readable(given) is None


def test_no_two_traces_are_the_same() -> None:
    assert begin_trace() != begin_trace()


def test_work_that_nobody_traced_before_begins_a_trace() -> None:
    with traced(Cause("1", "1", "system:job"), "job", "internal", {}):
        made = current_cause().traceparent
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-01", made or "")


def test_work_for_others_goes_on_with_their_trace() -> None:
    with traced(Cause("1", "1", "system:job", GIVEN), "job", "internal", {}):
        assert current_cause().traceparent == GIVEN


async def test_without_a_collector_nothing_is_recorded_nor_imported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", raising=False)
    monkeypatch.delitem(sys.modules, "chassis.spans", raising=False)
    async with recording("probe"):
        assert recorder() is None
    assert "chassis.spans" not in sys.modules
