"""People who listen to the live stream, and what they hear."""

import asyncio
import json
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from aiohttp import ClientResponse, ClientSession, TCPConnector

from chassis.http import Principal
from tests.support.running import Running
from tests.support.tokens import bearer

HEAR_SECONDS = 60


@dataclass(frozen=True)
class Heard:
    """An event of the stream, as it came."""

    id: str
    event: str
    data: Any
    raw: str


@dataclass
class Ear:
    """A stream that somebody listens to."""

    answer: ClientResponse
    #: Where they would go on from.
    position: str | None = None
    heartbeats: int = 0
    retry: int | None = None
    heard: list[Heard] = field(default_factory=list[Heard])

    async def next(self) -> Heard:
        """Return the next event."""
        async with asyncio.timeout(HEAR_SECONDS):
            while True:
                event = await self._block()
                if event is not None:
                    self.heard.append(event)
                    return event

    async def next_few(self, count: int) -> list[str]:
        """Return the names of the next events."""
        return [(await self.next()).event for _ in range(count)]

    async def until(self, name: str) -> list[str]:
        """Return what was heard up to an event of this name, without it."""
        names: list[str] = []
        while (event := await self.next()).event != name:
            names.append(event.event)
        return names

    async def heartbeat(self) -> None:
        """Return upon the next sign of life."""
        before = self.heartbeats
        async with asyncio.timeout(HEAR_SECONDS):
            while self.heartbeats == before:
                assert await self._block() is None

    async def end(self) -> None:
        """Return when the stream has ended, whatever comes before that."""
        async with asyncio.timeout(HEAR_SECONDS):
            while await self.answer.content.readany():
                pass

    async def _block(self) -> Heard | None:
        """Read up to an empty line, as the standard for event streams has it."""
        lines: list[str] = []
        while line := await self._line():
            lines.append(line)
        fields = dict(line.split(": ", 1) for line in lines if line[0] != ":")
        self.heartbeats += sum(line[0] == ":" for line in lines)
        self.position = fields.get("id", self.position)
        self.retry = int(fields["retry"]) if "retry" in fields else self.retry
        if "data" not in fields:
            return None
        data = json.loads(fields["data"])
        return Heard(fields["id"], fields["event"], data, "\n".join(lines))

    async def _line(self) -> str:
        line = await self.answer.content.readline()
        if not line:
            raise EOFError("the stream has ended")
        return line.decode().rstrip("\n")


@asynccontextmanager
async def listening(
    http: ClientSession,
    principal: Principal,
    *,
    after: str | None = None,
    **headers: str,
) -> AsyncGenerator[Ear]:
    """Listen as the principal until the block ends."""
    if after is not None:
        headers["Last-Event-ID"] = after
    async with http.get(
        "/api/v1/stream", headers={**bearer(principal), **headers}
    ) as answer:
        assert answer.status == 200, await answer.text()
        ear = Ear(answer)
        if after is None:
            await ear.heartbeat()
        yield ear


@asynccontextmanager
async def listening_badly(
    gateway: Running, principal: Principal
) -> AsyncGenerator[Ear]:
    """Listen over a connection that holds next to nothing for its reader."""

    def connect(address: tuple[Any, ...]) -> socket.socket:
        wire = socket.socket(*address[:3])
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        return wire

    async with gateway.client.get("/health/live") as answer:
        base = answer.url.origin()
    connector = TCPConnector(socket_factory=connect)
    async with (
        ClientSession(base, connector=connector, read_bufsize=1024) as http,
        listening(http, principal) as ear,
    ):
        yield ear


def customer_of(principal: Principal) -> UUID:
    assert principal.customer_id is not None
    return principal.customer_id
