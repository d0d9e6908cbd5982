"""The last changes, so that a client that was away for a moment misses nothing."""

import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from gateway.stream.changes import Change

KEPT_CHANGES = 5_000
KEPT_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class _Step:
    """A change, and the names of the position that follows it."""

    number: int
    at: float
    #: None where nothing earlier is known.
    change: Change | None
    #: For those who weren't told of the change: somebody else's id tells of them.
    mark: str

    @property
    def names(self) -> list[str]:
        return [self.mark, self.change.id] if self.change else [self.mark]


class Recent:
    """Keeps the last changes in the order in which they came, within bounds.

    A position is a point between two of them. Its name is the id of the change before
    it or, for whoever wasn't told of that one, a mark that means nothing elsewhere.
    """

    def __init__(
        self,
        *,
        count: int = KEPT_CHANGES,
        seconds: float = KEPT_SECONDS,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._count = count
        self._seconds = seconds
        self._now = now
        self._number = 0
        #: The first is where what is kept begins: the changes follow it.
        self._steps: deque[_Step] = deque()
        self._numbers: dict[str, int] = {}
        self._append(None)

    @property
    def position(self) -> str:
        """Where somebody is who has been told of everything."""
        return self._steps[-1].mark

    def add(self, change: Change) -> bool:
        """Keep the change; False: it is here already, published twice."""
        if change.id in self._numbers:
            return False
        self._append(change)
        self._prune()
        return True

    def since(self, position: str) -> list[Change] | None:
        """Return what came after the position; None: that isn't known any more."""
        self._prune()
        number = self._numbers.get(position)
        if number is None:
            return None
        after = number - self._steps[0].number + 1
        return [step.change for step in islice(self._steps, after, None) if step.change]

    def forget(self) -> None:
        """Keep nothing: what follows may not be all that happened."""
        self._steps.clear()
        self._numbers.clear()
        self._append(None)

    def _append(self, change: Change | None) -> None:
        self._number += 1
        step = _Step(self._number, self._now(), change, secrets.token_urlsafe(9))
        self._steps.append(step)
        self._numbers.update(dict.fromkeys(step.names, step.number))

    def _prune(self) -> None:
        oldest = self._now() - self._seconds
        while len(self._steps) > 1 and (
            len(self._steps) > self._count + 1 or self._steps[1].at < oldest
        ):
            for name in self._steps.popleft().names:
                del self._numbers[name]
