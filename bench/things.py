"""What P6 sends and handles: events of a usual size, and an inbox that notes them."""

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from aiohttp import web

from chassis.clock import Clock
from chassis.consumers import Consumers, Delivery
from chassis.db import Database, Transaction
from chassis.events import Event, event
from chassis.ids import uuid7
from chassis.inbox import Inbox, Incoming
from chassis.resources import CLOCK, Resources

#: A real event is about as long: the envelope, and the state of its object.
FILLER = "x" * 250
PREFETCH = 50


@event("plumbing.thing.changed.v1", subject="thing_id")
class ThingChanged(Event):
    """An event of a usual size."""

    thing_id: UUID
    filler: str = FILLER


consumers = Consumers("plumbing")
SUBSCRIPTIONS = {"plumbing": (ThingChanged,)}
#: What the handler was called with, whether or not that was committed.
_CALLED: web.AppKey[list[UUID]] = web.AppKey("called")


@consumers.on(ThingChanged)
async def on_thing_changed(
    _tx: Transaction, event: ThingChanged, delivery: Delivery
) -> None:
    """Do nothing but note it: the way here is what is measured."""
    delivery.resources[_CALLED].append(event.thing_id)


def an_event() -> ThingChanged:
    return ThingChanged(thing_id=uuid7(), version=1)


class Handled(Inbox):
    """An inbox that notes when each event's effects were committed, each time.

    Instants are `time.monotonic`'s, which all processes of a machine share.
    """

    def __init__(self, db: Database) -> None:
        self._called: list[UUID] = []
        resources = Resources()
        resources[CLOCK] = Clock()
        resources[_CALLED] = self._called
        super().__init__(consumers, resources, db)
        self.seen: list[tuple[UUID, float]] = []
        self._changed = asyncio.Event()

    async def handle(
        self,
        incoming: Sequence[Incoming],
        marks: dict[str, datetime],
        *,
        connected_at: datetime | None = None,
    ) -> None:
        self._called.clear()
        await super().handle(incoming, marks, connected_at=connected_at)
        now = time.monotonic()
        self.seen += [(thing_id, now) for thing_id in self._called]
        self._changed.set()

    async def until(self, count: int) -> None:
        while len(self.seen) < count:
            self._changed.clear()
            await self._changed.wait()
