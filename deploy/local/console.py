"""What the person at the terminal sees: progress, then what the processes say."""

import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress

NAME_WIDTH = 10


class Console:
    """Prints lines; `quiet` keeps the children's back, which their files have."""

    def __init__(self) -> None:
        self.quiet = False

    def say(self, line: str) -> None:
        """Print a line of our own; a terminal that has gone stops nothing."""
        with suppress(OSError):
            print(line, flush=True)

    def show(self, line: str) -> None:
        """Print a child's line."""
        if not self.quiet:
            self.say(line)

    @contextmanager
    def timing(self, what: str) -> Generator[None]:
        """Say that it is ready, and after how long."""
        began = time.monotonic()
        yield
        seconds = time.monotonic() - began
        self.say(f"  {what:{NAME_WIDTH}} ready in {seconds:.1f} s")


def coloured(text: str, colour: str) -> str:
    return f"\x1b[{colour}m{text}\x1b[0m" if sys.stdout.isatty() else text
