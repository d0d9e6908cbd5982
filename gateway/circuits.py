"""Circuits: whether a service is worth asking, by what became of the last calls."""

import math
from collections.abc import Callable, Generator
from contextlib import contextmanager
from enum import IntEnum

from chassis.client import UpstreamAway

#: So many failures in a row open a circuit.
FAILURES = 5
#: Then nobody asks for so long; after that one call shows how things are.
OPEN_SECONDS = 3.0


class CircuitState(IntEnum):
    """What a circuit does with a call; the numbers are what `/metrics` tells."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class Circuit:
    """Keeps calls from a service that has stopped answering, and so costs nobody time.

    `clock` gives seconds that never go back; `tell` hears the state at first, and then
    of every change.
    """

    def __init__(
        self, clock: Callable[[], float], tell: Callable[[CircuitState], None]
    ) -> None:
        self._clock = clock
        self._tell = tell
        self._failures = 0
        #: While the circuit isn't closed: when the next call may try.
        self._open_until: float | None = None
        self._is_trying = False
        self._told = self.state
        tell(self._told)

    @property
    def state(self) -> CircuitState:
        if self._open_until is None:
            return CircuitState.CLOSED
        return CircuitState.HALF_OPEN if self._is_trying else CircuitState.OPEN

    @contextmanager
    def call(self) -> Generator[None]:
        """Let one call through, or raise UpstreamAway at once.

        Within the block the caller says how it went: `answered` or `failed`; neither,
        where it can't tell, as when its client went away.
        """
        is_try = self._admit()
        try:
            yield
        finally:
            if is_try:
                self._is_trying = False
                self._tell_change()

    def answered(self) -> None:
        """Note an answer, whatever it says: the service is there."""
        self._failures = 0
        self._open_until = None
        self._tell_change()

    def failed(self) -> None:
        """Note that no answer came, or none of the service's own."""
        self._failures += 1
        # What was on its way when the circuit opened doesn't keep it open for longer.
        if self._failures < FAILURES or self._seconds_left() > 0:
            return
        self._open_until = self._clock() + OPEN_SECONDS
        self._tell_change()

    def _admit(self) -> bool:
        """Return whether the call is the one that shows how things are."""
        if self._open_until is None:
            return False
        left = self._seconds_left()
        if left > 0 or self._is_trying:
            raise UpstreamAway(retry_after_seconds=max(1, math.ceil(left)))
        self._is_trying = True
        self._tell_change()
        return True

    def _tell_change(self) -> None:
        if self.state is not self._told:
            self._told = self.state
            self._tell(self._told)

    def _seconds_left(self) -> float:
        return 0.0 if self._open_until is None else self._open_until - self._clock()
