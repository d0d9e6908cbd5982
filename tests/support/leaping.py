"""The event loop's clock, set ahead: what is due by then happens now.

A limit that is longer than a test can take, and a leap beyond it, tell a limit that was
kept from one that wasn't on any machine, however slow.
"""

import asyncio


class Leaping:
    """Takes hold of the running loop's clock, which goes on by itself, too."""

    def __init__(self) -> None:
        self._ahead = 0.0
        loop = asyncio.get_running_loop()
        self._clock = loop.time
        # For good: each test has a loop of its own, whose timers know this clock.
        vars(loop)["time"] = self._time

    def leap(self, seconds: float) -> None:
        """Set the clock ahead."""
        self._ahead += seconds

    def _time(self) -> float:
        return self._clock() + self._ahead
