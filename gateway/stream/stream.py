"""One open stream: what is yet to be written to it, and how it ends."""

import asyncio

from chassis.principal import Principal

#: A reader with more than this waiting is told to start afresh instead.
LONGEST_WAITING = 200


class Stream:
    """What one caller is yet to be told; it never waits for them, nor grows."""

    __slots__ = ("_idle", "_missed", "_scope", "_waiting", "principal")

    def __init__(self, principal: Principal, scope: asyncio.Timeout) -> None:
        self.principal = principal
        self._scope = scope
        self._waiting: list[bytes] = []
        self._missed = False
        #: Ended when there is something to write. An asyncio.Event would take more
        #: memory than all the rest of an idle stream.
        self._idle: asyncio.Future[None] | None = None

    def tell(self, frame: bytes) -> bool:
        """Let the frame wait to be written; False: the reader is too far behind."""
        if self._missed:
            return True
        if len(self._waiting) == LONGEST_WAITING:
            self.miss()
            return False
        self._waiting.append(frame)
        self._wake()
        return True

    def miss(self) -> None:
        """Let the reader know, instead of all that waits, that something is missing."""
        self._waiting.clear()
        self._missed = True
        self._wake()

    def end(self) -> None:
        """End the answer now, whatever it is waiting for."""
        if not self._scope.expired():
            self._scope.reschedule(asyncio.get_running_loop().time())

    async def woken(self, *, within: float) -> None:
        """Return when there is something to write, or time has passed without."""
        if self._waiting or self._missed:
            return
        loop = asyncio.get_running_loop()
        self._idle = loop.create_future()
        alarm = loop.call_later(within, self._wake)
        try:
            await self._idle
        finally:
            alarm.cancel()
            self._idle = None

    def take(self) -> tuple[bytes, bool]:
        """Return what is to be written now, and whether something was missed."""
        taken = b"".join(self._waiting), self._missed
        self._waiting.clear()
        self._missed = False
        return taken

    def _wake(self) -> None:
        if self._idle is not None and not self._idle.done():
            self._idle.set_result(None)
