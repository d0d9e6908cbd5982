"""A private server's process: started tied to this one, stopped, killed, watched.

It is polled rather than awaited by the event loop, so that one loop may start it and
another stop it, as test fixtures do.
"""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from deploy.local.home import Home
from deploy.local.tether import tethered
from deploy.local.waiting import poll

KILL_SECONDS = 10
LOG_TAIL_CHARACTERS = 600


class ServerProcess:
    """One running program of a private server."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self._process = process
        self._log = log

    @classmethod
    def start(
        cls,
        command: Sequence[str | Path],
        home: Home,
        *,
        log: str,
        lock: int,
        death_signal: signal.Signals = signal.SIGKILL,
        environment: Mapping[str, str] | None = None,
    ) -> "ServerProcess":
        """Start it as the home's user; it holds the home's lock while it lives."""
        uid, gid = (home.user.uid, home.user.gid) if home.user else (None, None)
        with (home.folder / log).open("ab") as output:
            process = subprocess.Popen(
                tethered(command, death_signal=death_signal, uid=uid, gid=gid),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env=None if environment is None else {**os.environ, **environment},
                pass_fds=[lock],
                start_new_session=True,
            )
        return cls(process, home.folder / log)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def last_words(self) -> str:
        """The end of its log, for a person who asks why it died."""
        return self._log.read_text(errors="replace")[-LOG_TAIL_CHARACTERS:].strip()

    async def finished(self, *, within: float) -> bool:
        """Wait until it has ended by itself; return whether all went well."""
        try:
            await poll(lambda: not self.alive, within=within)
        finally:  # also when we are interrupted
            await self.kill()
        return self._process.returncode == 0

    async def stop(self, number: signal.Signals, *, within: float) -> None:
        """Ask it to end; end it where it doesn't in time."""
        if self.alive:
            self._process.send_signal(number)
        if not await poll(lambda: not self.alive, within=within):
            await self.kill()

    async def kill(self) -> None:
        """End it and what it started, as a power cut would."""
        if self.alive:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        await poll(lambda: not self.alive, within=KILL_SECONDS)
