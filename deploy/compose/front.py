"""Holds the published port while gateways come and go: each connection goes to one.

A port of the host belongs to one container, so a gateway that held it could not be
replaced without a gap. This one knows nothing but bytes, and therefore needs no
upgrade with the product: `python -m deploy.compose.front`.
"""

import asyncio
import itertools
import os
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress

from deploy.compose.faults import CannotGoOn

PORT = 8080
UPSTREAM = "gateway:8080"
#: How long an answer of the name service is believed.
BELIEVED_SECONDS = 1.0
#: A gateway that is gone says nothing; a kernel that has one answers at once.
ATTEMPT_SECONDS = 0.5
#: A client waits so long for a gateway, as while the only one starts again.
PATIENCE_SECONDS = 15.0
PAUSE_SECONDS = 0.1
DRAIN_SECONDS = 20.0
#: Longer than a gateway waits: who takes nothing for so long is let go.
STALL_SECONDS = 60.0
#: What a gateway said before it left is given so long to arrive.
LINGER_SECONDS = 60.0
BACKLOG = 1024


class Gateways:
    """The addresses behind one name, asked again and again, and used in turn."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port
        self._turns = itertools.count()
        self._known: Sequence[str] = ()
        self._believed_until = 0.0

    async def connect(self, end: "_End") -> None:
        """Connect the end to one of them; OSError if none takes it.

        One that stops refuses new connections: the next in turn is asked at once.
        """
        loop = asyncio.get_running_loop()
        addresses = await self._addresses()
        first = next(self._turns) % len(addresses)
        fault = OSError("no address")
        for address in (*addresses[first:], *addresses[:first]):
            try:
                async with asyncio.timeout(ATTEMPT_SECONDS):
                    await loop.create_connection(lambda: end, address, self._port)
            except (OSError, TimeoutError) as refused:
                fault = OSError(f"{address}: {refused!r}")
            else:
                return
        raise fault

    async def _addresses(self) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        if loop.time() >= self._believed_until:
            found = await loop.getaddrinfo(
                self._host, self._port, type=socket.SOCK_STREAM
            )
            # Sorted: the name service shuffles, which would spoil the turns.
            self._known = sorted({str(info[4][0]) for info in found})
            self._believed_until = loop.time() + BELIEVED_SECONDS
        return self._known


class _End(asyncio.Protocol):
    """One end of a pair: what comes in here goes out there, no faster than it may."""

    def __init__(self) -> None:
        self.other: _End | None = None
        self._loop = asyncio.get_running_loop()
        self.said_all: asyncio.Future[None] = self._loop.create_future()
        self.gone: asyncio.Future[None] = self._loop.create_future()
        self._transport: asyncio.Transport | None = None
        self._stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self.other is not None:
            self.other.write(data)

    def eof_received(self) -> bool:
        """Pass on that no more will come; what the other still says may go out."""
        _settle(self.said_all)
        if self.other is None:
            return True
        self.other.write_eof()
        return not self.other.said_all.done()

    def pause_writing(self) -> None:
        self._stalled = self._loop.call_later(STALL_SECONDS, self.abort)
        if self.other is not None:
            self.other.pause_reading()

    def resume_writing(self) -> None:
        self._went_on()
        if self.other is not None:
            self.other.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc  # whoever is at the other end sees only that it ended
        self._went_on()
        _settle(self.gone)
        if self.other is not None:
            self.other.close()

    def write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def write_eof(self) -> None:
        if self._transport is not None:
            with suppress(OSError, RuntimeError):  # it has ended itself meanwhile
                self._transport.write_eof()

    def pause_reading(self) -> None:
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if self._transport is not None:
            self._transport.resume_reading()

    def close(self) -> None:
        """End it once all is sent that was written."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """End it at once, whatever is still to be sent."""
        if self._transport is not None:
            self._transport.abort()

    def _went_on(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()


class Front:
    """Takes connections and passes each on to a gateway."""

    def __init__(self, gateways: Gateways) -> None:
        self._gateways = gateways
        self._pairs: set[asyncio.Task[None]] = set()

    async def serve(self, port: int, stopping: asyncio.Event) -> None:
        """Pass connections on until told to stop; those that are open may end."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            self._take, host="", port=port, backlog=BACKLOG
        )
        say(f"taking connections on port {port}")
        async with server:
            await stopping.wait()
            server.close()
            if self._pairs:
                await asyncio.wait(self._pairs, timeout=DRAIN_SECONDS)
            for pair in self._pairs:
                pair.cancel()

    def _take(self) -> "_Client":
        return _Client(self)

    def begin(self, client: _End) -> None:
        """Find a gateway for a client that has just come."""
        pair = asyncio.get_running_loop().create_task(self._pair(client))
        self._pairs.add(pair)
        pair.add_done_callback(self._pairs.discard)

    async def _pair(self, client: _End) -> None:
        gateway = _End()
        client.other, gateway.other = gateway, client
        try:
            if await self._connect(gateway) and not client.gone.done():
                client.resume_reading()
                await _over(client, gateway)
        finally:
            gateway.abort()
            client.abort()

    async def _connect(self, gateway: _End) -> bool:
        """Connect to a gateway, or to none within a client's patience."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + PATIENCE_SECONDS
        while True:
            try:
                await self._gateways.connect(gateway)
            except OSError as fault:
                if loop.time() > deadline:
                    say(f"no gateway takes a connection: {fault}")
                    return False
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                return True


async def _over(client: _End, gateway: _End) -> None:
    """Wait until both have left, but not for ever for a client without a gateway."""
    ended = (client.gone, gateway.gone)
    await asyncio.wait((*ended, gateway.said_all), return_when=asyncio.FIRST_COMPLETED)
    await asyncio.wait(ended, timeout=LINGER_SECONDS)


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class _Client(_End):
    """The end that a client holds."""

    def __init__(self, front: Front) -> None:
        super().__init__()
        self._front = front

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        # What it sends meanwhile waits in the kernel.
        self.pause_reading()
        self._front.begin(self)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    host, _, port = (os.environ.get("UPSTREAM") or UPSTREAM).rpartition(":")
    own_port = int(os.environ.get("HTTP_PORT") or PORT)
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    try:
        await Front(Gateways(host, int(port))).serve(own_port, stopping)
    except OSError as fault:
        raise CannotGoOn(
            f"HTTP_PORT: port {own_port} can't be taken: {fault}"
        ) from None


if __name__ == "__main__":
    asyncio.run(main())
