"""What an operator sees: one line for each thing done, with how long it took."""

import sys
import time
from collections.abc import Generator
from contextlib import contextmanager


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@contextmanager
def doing(what: str) -> Generator[None]:
    """Say that it begins, for those who wait, and that it has ended."""
    say(f"{what} …")
    began = time.monotonic()
    yield
    say(f"{what}: done in {time.monotonic() - began:.1f} s")
