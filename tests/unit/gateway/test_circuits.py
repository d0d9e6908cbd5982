"""A circuit: opens after failures in a row, and closes with the first answer."""

from collections.abc import Callable

import pytest

from chassis.client import UpstreamAway
from gateway.circuits import FAILURES, OPEN_SECONDS, Circuit, CircuitState


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def told() -> list[CircuitState]:
    return []


@pytest.fixture
def circuit(clock: Clock, told: list[CircuitState]) -> Circuit:
    return Circuit(clock, told.append)


def call(circuit: Circuit, outcome: Callable[[], None] | None = None) -> None:
    with circuit.call():
        if outcome is not None:
            outcome()


def fail(circuit: Circuit, times: int = FAILURES) -> None:
    for _ in range(times):
        call(circuit, circuit.failed)


def refusal(circuit: Circuit) -> int:
    """Return after how many seconds a refused call is told to come back."""
    with pytest.raises(UpstreamAway) as refused:
        call(circuit)
    return refused.value.retry_after_seconds


def test_failures_in_a_row_open_it_and_the_next_call_is_refused_at_once(
    circuit: Circuit,
) -> None:
    fail(circuit, FAILURES - 1)
    assert circuit.state is CircuitState.CLOSED
    fail(circuit, 1)
    assert circuit.state is CircuitState.OPEN
    assert refusal(circuit) == OPEN_SECONDS


def test_an_answer_between_failures_starts_the_count_anew(circuit: Circuit) -> None:
    for _ in range(3):
        fail(circuit, FAILURES - 1)
        call(circuit, circuit.answered)
    assert circuit.state is CircuitState.CLOSED


def test_a_call_that_tells_nothing_changes_nothing(circuit: Circuit) -> None:
    fail(circuit, FAILURES - 1)
    for _ in range(FAILURES):
        call(circuit)
    assert circuit.state is CircuitState.CLOSED
    fail(circuit, 1)
    assert circuit.state is CircuitState.OPEN


def test_after_its_time_one_call_tries_and_all_others_are_refused(
    circuit: Circuit, clock: Clock
) -> None:
    fail(circuit)
    clock.now += OPEN_SECONDS
    with circuit.call():
        assert circuit.state is CircuitState.HALF_OPEN
        assert refusal(circuit) == 1
        circuit.answered()
        call(circuit)
    assert circuit.state is CircuitState.CLOSED


def test_a_try_that_fails_opens_it_for_as_long_again(
    circuit: Circuit, clock: Clock
) -> None:
    fail(circuit)
    clock.now += OPEN_SECONDS
    fail(circuit, 1)
    clock.now += OPEN_SECONDS - 0.5
    assert refusal(circuit) == 1
    clock.now += 0.5
    call(circuit, circuit.answered)
    assert circuit.state is CircuitState.CLOSED


def test_a_try_that_tells_nothing_leaves_the_next_call_to_try(
    circuit: Circuit, clock: Clock
) -> None:
    fail(circuit)
    clock.now += OPEN_SECONDS
    call(circuit)
    assert circuit.state is CircuitState.OPEN
    call(circuit, circuit.answered)
    assert circuit.state is CircuitState.CLOSED


def test_failures_that_were_on_their_way_keep_it_open_no_longer(
    circuit: Circuit, clock: Clock
) -> None:
    with circuit.call():
        fail(circuit)
        clock.now += OPEN_SECONDS / 2
        circuit.failed()
    clock.now += OPEN_SECONDS / 2
    call(circuit, circuit.answered)
    assert circuit.state is CircuitState.CLOSED


def test_an_answer_that_was_on_its_way_closes_it(circuit: Circuit) -> None:
    with circuit.call():
        fail(circuit)
        circuit.answered()
    call(circuit)


def test_every_change_is_told_once(
    circuit: Circuit, clock: Clock, told: list[CircuitState]
) -> None:
    fail(circuit)
    clock.now += OPEN_SECONDS
    fail(circuit, 1)
    clock.now += OPEN_SECONDS
    for _ in range(2):
        call(circuit, circuit.answered)
    assert told == [
        CircuitState.CLOSED,
        CircuitState.OPEN,
        CircuitState.HALF_OPEN,
        CircuitState.OPEN,
        CircuitState.HALF_OPEN,
        CircuitState.CLOSED,
    ]
