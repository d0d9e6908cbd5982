"""What an upgrade is in the middle of, noted so that the next run can go on with it.

The engine doesn't know how many replicas a service is to have while one of them is
being replaced. The note is a file beside the folder of secrets.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.compose.faults import CannotGoOn
from deploy.compose.secretfiles import folder, write
from deploy.local.faults import CannotStart

NAME = ".upgrade.json"


@dataclass(frozen=True)
class Halfway:
    """One replica of a service is being replaced."""

    service: str
    #: The container's id: a note about one that is gone tells nothing.
    leaving: str
    #: How many replicas the service is to have afterwards.
    wanted: int


def note(replacement: Halfway) -> None:
    """Note it, in the place of what was noted before; raises CannotGoOn."""
    try:
        write(_path(), json.dumps(asdict(replacement)))
    except CannotStart as fault:
        raise CannotGoOn(str(fault)) from None


def begun() -> Halfway | None:
    """Return what an earlier run noted and didn't end; raises CannotGoOn."""
    try:
        return Halfway(**json.loads(_path().read_text("utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as fault:
        raise CannotGoOn(f"{_path()} can't be read: {fault}; remove it") from None


def forget() -> None:
    """It came to its end."""
    _path().unlink(missing_ok=True)


def _path() -> Path:
    return folder().parent / NAME
