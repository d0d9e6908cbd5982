"""A child process of the stack: started, ready, stopped; it dies when we do."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path

import aiohttp

from deploy.local.faults import CannotStart
from deploy.local.logs import ProcessLog
from deploy.local.tether import tethered

READY_SECONDS = 60
READY_POLL_SECONDS = 0.05
#: Longer than a process gives its requests to finish.
STOP_SECONDS = 25
REQUEST_TIMEOUT = aiohttp.ClientTimeout(total=2)
LONGEST_LINE_BYTES = 1_000_000


class Program:
    """One process of the product; `ready_url` answers 200 once it serves."""

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        environment: Mapping[str, str],
        folder: Path,
        log: ProcessLog,
        ready_url: str | None = None,
    ) -> None:
        self.name = name
        self._command = command
        self._environment = environment
        self._folder = folder
        self._log = log
        self._ready_url = ready_url
        self._transport: asyncio.SubprocessTransport | None = None
        self._ended = asyncio.Event()
        self._ended.set()

    @property
    def pid(self) -> int | None:
        return self._transport.get_pid() if self._transport else None

    @property
    def alive(self) -> bool:
        return self._transport is not None and self._transport.get_returncode() is None

    async def start(self) -> None:
        """Start it and wait until it is ready."""
        await self._spawn()
        if self._ready_url is not None:
            await self._wait_until_ready(self._ready_url)

    async def finish(self, given: bytes = b"") -> None:
        """Run it to its end, which must be a good one, with this to read."""
        await self._spawn(given)
        await self._ended.wait()
        if self._transport is None or self._transport.get_returncode() != 0:
            raise self._fault()

    async def stop(self) -> None:
        """Let it finish what it does; end it where that takes too long."""
        self._send(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._ended.wait()
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        self._send(signal.SIGKILL)
        await self._ended.wait()

    async def _spawn(self, given: bytes = b"") -> None:
        await self.kill()  # what a dead one may have started and left
        self._ended.clear()
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.subprocess_exec(
            lambda: _Output(self._log, self._ended),
            *tethered(self._command),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=self._folder,
            env={**os.environ, **self._environment},
            start_new_session=True,  # Ctrl-C is for us alone: we stop it in order
        )
        reader = self._transport.get_pipe_transport(0)
        if isinstance(reader, asyncio.WriteTransport):
            reader.write(given)
            reader.close()

    def _send(self, number: signal.Signals) -> None:
        """Signal it and all it started, as long as any of them is there."""
        if self._transport is not None and not self._ended.is_set():
            with suppress(ProcessLookupError):
                os.killpg(self._transport.get_pid(), number)

    async def _wait_until_ready(self, url: str) -> None:
        try:
            async with (
                asyncio.timeout(READY_SECONDS),
                aiohttp.ClientSession(timeout=REQUEST_TIMEOUT) as session,
            ):
                # No event can be set by another process.
                while self.alive and not await _is_ready(session, url):  # noqa: ASYNC110
                    await asyncio.sleep(READY_POLL_SECONDS)
        except TimeoutError:
            pass  # it may have hung: it is not ready, and must not stay
        else:
            if self.alive:
                return
        await self.kill()
        raise self._fault()

    def _fault(self) -> CannotStart:
        return CannotStart(
            f"{self.name} did not start: {self._log.last_line}\n"
            f"All that it said is in {self._log.path}"
        )


class _Output(asyncio.SubprocessProtocol):
    """Cuts what the child writes into lines."""

    def __init__(self, log: ProcessLog, ended: asyncio.Event) -> None:
        self._log = log
        self._ended = ended
        self._rest = b""
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        del fd  # both of its outputs are one
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST_LINE_BYTES:
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            self._log.write(line.decode("utf-8", "replace"))

    def connection_lost(self, exc: Exception | None) -> None:
        del exc  # its exit code says more
        if self._rest:
            self._log.write(self._rest.decode("utf-8", "replace"))
        self._log.close()
        if self._transport is not None:
            self._transport.close()
        self._ended.set()


async def _is_ready(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(url) as answer:
            return answer.status == HTTPStatus.OK
    except (aiohttp.ClientError, TimeoutError):
        return False
