"""A relay that publishes what a test announces, as a service's own would."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from prometheus_client import REGISTRY

from chassis import topology
from chassis.bus import connect
from chassis.db import Database, open_database
from chassis.events import Event
from chassis.relay import Relay, RelaySettings
from contracts.events import tickets
from services.tickets.app import PROCESS
from tests.conftest import MakeDatabase

#: One event that somebody reads; the others are published without a reader.
SUBSCRIPTIONS = {"reader": (tickets.TicketAnswered,)}
HEAR_SECONDS = 60


@dataclass(frozen=True)
class Announcer:
    """Emits events into an outbox, from where a relay takes them."""

    db: Database
    amqp_url: str

    async def announce(self, *events: Event) -> None:
        """Emit the events in this order, each in its producer's name."""
        for event in events:
            async with self._producer(event).transaction() as tx:
                await tx.emit(event)

    async def republish(self, event: Event) -> None:
        """Send a known state again, for projections to be rebuilt."""
        async with self._producer(event).transaction() as tx:
            await tx.republish([event])

    async def publish_again(self) -> None:
        """Publish every event a second time, as a relay does that has crashed."""
        async with self.db.transaction() as tx:
            await tx.execute("UPDATE outbox SET published_at = NULL")

    def _producer(self, event: Event) -> Database:
        return Database(self.db.pool, self.db.readers, event.TYPE.partition(".")[0])


@asynccontextmanager
async def announcing(
    make_database: MakeDatabase, amqp_url: str
) -> AsyncGenerator[Announcer]:
    """Run the relay, once the gateway hears it, until the block ends."""
    database = await make_database(PROCESS)
    async with connect(amqp_url, "test") as connection:
        await topology.declare(connection, SUBSCRIPTIONS)
    await _gateway_hears()
    async with open_database(database.url, schema=PROCESS.name) as db:
        relay = Relay(
            db,
            RelaySettings(
                amqp_url=amqp_url, source=PROCESS.name, subscriptions=SUBSCRIPTIONS
            ),
        )
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(relay.run())
            yield Announcer(db, amqp_url)
            relay.stop()


async def _gateway_hears() -> None:
    async with asyncio.timeout(HEAR_SECONDS):
        while not REGISTRY.get_sample_value(
            "listener_connected", {"listener": "gateway"}
        ):
            await asyncio.sleep(0.02)
