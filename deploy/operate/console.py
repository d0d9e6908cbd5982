"""What an operator sees: one line for each thing done, with how long it took."""

import os
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager


def say(line: str) -> None:
    """Write it; where nobody can read it any more, what is being done goes on."""
    try:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except OSError:
        # What stays in the buffer would fail once more at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def doing(what: str) -> Generator[None]:
    """Say that it begins, for those who wait, and that it has ended."""
    say(f"{what} …")
    began = time.monotonic()
    yield
    say(f"{what}: done in {time.monotonic() - began:.1f} s")
