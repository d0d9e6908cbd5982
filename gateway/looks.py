"""Whether the services answer at all, asked of them when somebody wants to know.

Calls show it only of services that somebody needs; a frozen one is found here.
"""

import asyncio
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from aiohttp import ClientError, ClientSession, ClientTimeout

#: Any answer shows that its process is at work, be it that there is no such route.
ADDRESS = "/health/live"
SECONDS = 1.0
#: Whoever asks often, or many at once, costs the services no more than this.
BELIEVED_SECONDS = 2.0


class Looks:
    """Looks at all services at once, one look at a time; no circuit hears of it."""

    def __init__(self, session: ClientSession, urls: Mapping[str, str]) -> None:
        self._session = session
        self._urls = urls
        self._look: asyncio.Task[Sequence[str]] | None = None
        self._ended_at = 0.0

    async def silent(self) -> Sequence[str]:
        """Return the services that don't answer within SECONDS."""
        if self._look is None or self._is_old(self._look):
            self._look = asyncio.create_task(self._all(), name="look at services")
        # Others may wait for it, too: who goes away doesn't end it.
        return await asyncio.shield(self._look)

    def _is_old(self, look: asyncio.Task[Sequence[str]]) -> bool:
        age = asyncio.get_running_loop().time() - self._ended_at
        return look.done() and (look.cancelled() or age > BELIEVED_SECONDS)

    async def _all(self) -> Sequence[str]:
        answered = await asyncio.gather(*map(self._answers, self._urls.values()))
        self._ended_at = asyncio.get_running_loop().time()
        return [
            name for name, well in zip(self._urls, answered, strict=True) if not well
        ]

    async def _answers(self, url: str) -> bool:
        limit = ClientTimeout(total=SECONDS)
        try:
            async with self._session.get(
                url + ADDRESS, timeout=limit, allow_redirects=False
            ) as answer:
                return answer.status < HTTPStatus.INTERNAL_SERVER_ERROR
        except (ClientError, TimeoutError):
            return False
