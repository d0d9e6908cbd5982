"""All open streams: who may have one, what each is told, and when it ends."""

import asyncio
import random
import socket
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from aiohttp import hdrs, web
from prometheus_client import Counter, Gauge

from chassis.clock import Clock
from chassis.errors import NotAuthenticated, TooManyRequests, Unavailable
from chassis.events import Envelope, Event
from chassis.http import calling_when_gone
from chassis.principal import Principal
from contracts.api.gateway import RelatedView, StreamEventView
from gateway.settings import Settings
from gateway.stream.changes import AUDIENCES, Change, frame
from gateway.stream.ended import EndedSessions
from gateway.stream.openings import OpenStreams
from gateway.stream.recent import Recent
from gateway.stream.stream import Stream

#: When clients are to come back; apart, as all may have been cut off at once.
RETRY_MILLISECONDS = (1_000, 3_000)
RETRY_AFTER_SECONDS = 5
#: What the system and this process hold for a reader before it counts as slow.
BUFFERED_BYTES = 16 * 1024

HEADERS = {
    "Content-Type": "text/event-stream",
    "Cache-Control": "no-store",
    # For proxies in front of us that would wait for more before they pass it on.
    "X-Accel-Buffering": "no",
}

OPEN = Gauge("streams_open", "Live streams that somebody listens to")
TOLD = Counter("stream_events_told", "Changes told, once for each stream")
RESETS = Counter("stream_resets", "Times that a client was told to reload", ["reason"])


class TooManyStreams(TooManyRequests):
    """You have too many live streams open; close one first."""


class NoStreamLeft(Unavailable):
    """No more live streams can be opened just now; try again shortly."""


class Streams:
    """The live streams of this process."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._recent = Recent()
        self._open = OpenStreams()
        self._ended = EndedSessions()
        self._closed = False

    async def answer(
        self,
        request: web.Request,
        principal: Principal,
        *,
        until: datetime,
        last_event_id: str | None,
    ) -> web.StreamResponse:
        """Tell the caller what changes, until the time or their session is over.

        Whoever names the event that they heard last is told first what came after it,
        as far as it is known here; else, that they may have missed something.
        """
        self._admit(principal)
        response = web.StreamResponse(headers=HEADERS)
        # A connection with such small buffers is of no use for anything else.
        response.force_close()
        try:
            async with asyncio.timeout_at(self._time_of(until)) as scope:
                with self._opened(Stream(principal, scope), last_event_id) as stream:
                    await self._write(stream, request, response)
        except TimeoutError:
            _abandon_unread(request)
        except ConnectionResetError:
            pass  # The client went away, as clients do.
        return response

    @property
    def position(self) -> str:
        """Where a stream goes on from that misses nothing of what happens from now."""
        return self._recent.position

    def tell(self, envelope: Envelope, event: Event) -> None:
        """Tell everybody whom it concerns of the event."""
        if envelope.republished or type(event) not in AUDIENCES:
            return
        change = Change.of(envelope, event)
        if not self._recent.add(change):
            return
        for stream, told in self._open.told(change):
            self._tell(stream, told)

    def reset(self) -> None:
        """Let everybody start afresh: nobody knows what has happened meanwhile."""
        self._recent.forget()
        for stream in self._open:
            self._miss(stream, "gap")

    def end_session(self, session_id: UUID) -> None:
        """End the session's streams, and let it open no further one."""
        self._ended.add(session_id)
        for stream in self._open.of_session(session_id):
            stream.end()

    async def close(self, _app: web.Application) -> None:
        """End all streams, and open no more: the server is about to stop."""
        self._closed = True
        for stream in self._open:
            stream.end()

    def _admit(self, principal: Principal) -> None:
        if principal.session_id in self._ended:
            raise NotAuthenticated("this session has ended")
        allowed = self._settings.streams_per_user
        if self._open.count_of(principal.user_id) >= allowed:
            raise TooManyStreams(
                "a user may have {allowed} open at once",
                allowed=allowed,
                retry_after_seconds=RETRY_AFTER_SECONDS,
            )
        if self._closed or len(self._open) >= self._settings.maximum_streams:
            raise NoStreamLeft(retry_after_seconds=RETRY_AFTER_SECONDS)

    @contextmanager
    def _opened(self, stream: Stream, last_event_id: str | None) -> Generator[Stream]:
        # In one step with the resumption: what happens from now on comes after it.
        self._open.add(stream)
        if last_event_id is not None:
            self._resume(stream, last_event_id)
        try:
            with OPEN.track_inprogress():
                yield stream
        finally:
            self._open.remove(stream)

    def _resume(self, stream: Stream, position: str) -> None:
        changes = self._recent.since(position)
        if changes is None:
            self._miss(stream, "unknown position")
            return
        for change in changes:
            told = change.frame_for(stream.principal)
            if told is not None:
                self._tell(stream, told)

    async def _write(
        self, stream: Stream, request: web.Request, response: web.StreamResponse
    ) -> None:
        _limit_buffers(request)
        await response.prepare(request)
        # They are sent; kept for each of thousands, they would fill megabytes.
        response.headers.clear()
        if request.method == hdrs.METH_HEAD:
            return
        with calling_when_gone(request, stream.end):
            await response.write(_retry() + self._take(stream))
            while True:
                await stream.woken(within=self._settings.stream_heartbeat_seconds)
                await response.write(self._take(stream))

    def _take(self, stream: Stream) -> bytes:
        """Return what the stream is to be told now; nothing new is a sign of life."""
        waiting, missed = stream.take()
        # It has been told everything: here it may go on from.
        position = self._recent.position
        if missed:
            return frame(position, self._reset_view())
        return waiting or f": still here\nid: {position}\n\n".encode()

    def _reset_view(self) -> StreamEventView:
        return StreamEventView(
            type="reset", subject=None, at=self._clock.now(), related=RelatedView()
        )

    def _tell(self, stream: Stream, told: bytes) -> None:
        if stream.tell(told):
            TOLD.inc()
        else:
            RESETS.labels("slow reader").inc()

    def _miss(self, stream: Stream, reason: str) -> None:
        stream.miss()
        RESETS.labels(reason).inc()

    def _time_of(self, until: datetime) -> float:
        seconds = (until - self._clock.now()).total_seconds()
        return asyncio.get_running_loop().time() + seconds


STREAMS: web.AppKey[Streams] = web.AppKey("streams")


def _retry() -> bytes:
    return f"retry: {random.randint(*RETRY_MILLISECONDS)}\n".encode()  # noqa: S311 - spreads load, guards nothing


def _limit_buffers(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.set_write_buffer_limits(high=BUFFERED_BYTES)
        wire: socket.socket = request.transport.get_extra_info("socket")
        wire.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFERED_BYTES)


def _abandon_unread(request: web.Request) -> None:
    """Don't wait for a client that hasn't read what it was sent long ago."""
    if request.transport is not None and request.transport.get_write_buffer_size():
        request.transport.abort()
