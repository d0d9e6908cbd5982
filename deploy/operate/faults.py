"""What keeps a chore from being done, said in a sentence for a tired person."""

import asyncpg

from chassis.errors import Unavailable
from chassis.migrations import NOT_MIGRATED
from deploy.local.disk import reason

#: Servers that went away meanwhile, a full disk: what they say is the best hint.
FAULTS = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, Unavailable)


class CannotOperate(Exception):
    """Something isn't as the chore needs it; the message says what to do about it."""


def said_of(fault: Exception) -> str:
    """Return one line about one of FAULTS, with why, where that is known."""
    if isinstance(fault, OSError):
        return reason(fault)
    line = " ".join(str(fault).split())
    if isinstance(fault, NOT_MIGRATED):
        return f"{line}: not all is as this release has it; run `migrate`."
    if isinstance(fault, asyncpg.DiskFullError):
        return f"The database's disk is full, make room: {line}"
    if isinstance(fault, Unavailable):
        cause = fault.__cause__
        return f"{line} ({' '.join(str(cause).split())})" if cause else line
    return f"{type(fault).__name__}: {line}"
