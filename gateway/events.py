"""What the gateway does about events, the moment that they happen."""

from collections import defaultdict
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from uuid import UUID

from aiohttp import web

from chassis.events import Envelope, Event
from chassis.listener import Listener
from contracts.events import accounts
from gateway.stream import Streams
from gateway.stream.changes import AUDIENCES

#: What is heard: that which streams tell, and what ends or changes sessions.
HEARD: frozenset[type[Event]] = frozenset(AUDIENCES) | {
    accounts.SessionEnded,
    accounts.StaffMemberUpdated,
}

#: Called with the id of what the event is about.
Reaction = Callable[[UUID], None]


class LiveEvents:
    """Hands every event to the streams, and to whoever else wants to hear of it."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams
        self._reactions: dict[type[Event], list[Reaction]] = defaultdict(list)
        self._gap_reactions: list[Callable[[], None]] = [streams.reset]
        self.on(accounts.SessionEnded, streams.end_session)

    def on(self, event: type[Event], reaction: Reaction) -> None:
        """Call back with the subject of each such event; one of those in HEARD."""
        if event not in HEARD:
            raise ValueError(f"the gateway doesn't hear of {event.TYPE}")
        self._reactions[event].append(reaction)

    def on_gap(self, reaction: Callable[[], None]) -> None:
        """Call back whenever something may have happened that nobody heard of."""
        self._gap_reactions.append(reaction)

    @asynccontextmanager
    async def listening(self, amqp_url: str) -> AsyncGenerator[None]:
        """Hear until the block ends; without the broker, all else goes on."""
        listener = Listener(
            amqp_url, "gateway", HEARD, hear=self._hear, missed=self._miss
        )
        async with listener.listening():
            yield

    def _hear(self, envelope: Envelope, event: Event) -> None:
        for reaction in self._reactions[type(event)]:
            reaction(event.subject)
        self._streams.tell(envelope, event)

    def _miss(self) -> None:
        for reaction in self._gap_reactions:
            reaction()


LIVE_EVENTS: web.AppKey[LiveEvents] = web.AppKey("live_events")
