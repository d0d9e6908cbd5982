"""What backups that were cut off left behind: named, never removed, never a backup."""

import fcntl
import os
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

#: Ends the name of a backup until it is whole.
UNFINISHED = ".unfinished"
#: Where locks can't be seen, what was written to so lately may be at work.
LATELY = timedelta(hours=1)
_MEGA = 1_000_000


@dataclass(frozen=True, slots=True)
class Leftover:
    """A folder that a backup was making when it was killed."""

    folder: Path
    size: int
    age: timedelta

    def __str__(self) -> str:
        megabytes = self.size / _MEGA
        return f"{self.folder.name}, {megabytes:,.1f} MB, {self.age} old"

    @property
    def advice(self) -> str:
        return f"a backup that was cut off left it: delete {self.folder}"


@contextmanager
def at_work(draft: Path) -> Generator[None]:
    """Let others see, as long as this process lives, that the draft is being made."""
    descriptor = os.open(draft, os.O_RDONLY)
    try:
        # Some network file systems have no locks: there its age has to tell.
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def leftovers(backups: Path) -> Iterator[Leftover]:
    """Yield what lies among the backups and no process is making, by name."""
    for folder in sorted(backups.glob(f"*{UNFINISHED}")):
        # It may be gone, or have got its name, by now.
        with suppress(FileNotFoundError, NotADirectoryError):
            found = _look_at(folder)
            if not _is_at_work(found):
                yield found


def _look_at(folder: Path) -> Leftover:
    seen = [path.stat() for path in (folder, *folder.iterdir())]
    written = max(each.st_mtime for each in seen)
    age = timedelta(seconds=max(0, int(time.time() - written)))
    return Leftover(folder, sum(each.st_size for each in seen[1:]), age)


def _is_at_work(found: Leftover) -> bool:
    descriptor = os.open(found.folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return found.age < LATELY
    finally:
        os.close(descriptor)
    return False
