"""Tie a command to the process that starts it: it ends when that process does.

The tie holds however the starting process ends, `kill -9` included. This file is
also the script that does it, with the standard library alone: it gives up root's
rights, asks the kernel for a signal at its parent's death, and becomes the command.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1
WATCH_SECONDS = 0.2


def tethered(
    command: Sequence[str | Path],
    *,
    death_signal: signal.Signals = signal.SIGKILL,
    uid: int | None = None,
    gid: int | None = None,
) -> list[str]:
    """Return the command line that runs `command` tied to this process.

    The tie is to the thread that starts it: start servers from one that stays.
    """
    user = f"{uid}:{gid}" if uid is not None else "-"
    script = [sys.executable, "-I", "-S", __file__]
    return [*script, str(os.getpid()), str(int(death_signal)), user, *map(str, command)]


def main(parent: int, death_signal: int, user: str, command: list[str]) -> None:
    # Rights go first: the kernel forgets the wish below when the user changes.
    _become(user)
    if sys.platform != "linux":
        sys.exit(_watch(parent, death_signal, command))
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() == parent:  # else it died before the wish was heard
        os.execv(command[0], command)  # noqa: S606  # no shell is wanted


def _become(user: str) -> None:
    if user != "-":
        uid, gid = map(int, user.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)


def _watch(parent: int, death_signal: int, command: Sequence[str]) -> int:
    """Stay as the command's parent, for systems whose kernel can't tell."""
    child = subprocess.Popen(command, close_fds=False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, lambda number, _: child.send_signal(number))
    while child.poll() is None:
        if os.getppid() != parent:
            child.send_signal(death_signal)
            return child.wait()
        time.sleep(WATCH_SECONDS)
    return child.returncode


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
