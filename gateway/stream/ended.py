"""Sessions that have ended: their tokens, good for minutes yet, are refused here."""

import time
from collections.abc import Callable
from uuid import UUID

from chassis.tokens import LEEWAY, LIFETIME

#: No access token of a session outlives it by more.
REMEMBERED_SECONDS = (LIFETIME + LEEWAY).total_seconds()


class EndedSessions:
    """Remembers each until the last token that it was given has ended too."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        #: When each was ended, the longest ago first.
        self._ended: dict[UUID, float] = {}

    def __contains__(self, session_id: UUID) -> bool:
        return session_id in self._ended

    def add(self, session_id: UUID) -> None:
        now = self._now()
        self._ended.pop(session_id, None)
        self._ended[session_id] = now
        while self._ended[first := next(iter(self._ended))] < now - REMEMBERED_SECONDS:
            del self._ended[first]
