"""A process that reads its own events: small, and with all the plumbing."""

from typing import Literal
from uuid import UUID

from chassis.consumers import Consumers, Delivery
from chassis.context import current_cause
from chassis.db import Transaction
from chassis.errors import NotFound
from chassis.events import Event, event
from chassis.http import Call, Routes, View, public
from chassis.ids import uuid7
from chassis.jobs import JobRun, Jobs
from chassis.process import Process
from chassis.settings import ProcessSettings

Fault = Literal["", "always", "once"]


@event("probe.thing.changed.v1", subject="thing_id")
class ThingChanged(Event):
    """A thing has a new name. `fault` makes its reader misbehave."""

    thing_id: UUID
    name: str
    fault: Fault = ""


@event("probe.thing.unread.v1", subject="thing_id")
class ThingUnread(Event):
    """An event without readers."""

    thing_id: UUID


consumers = Consumers("probe")
routes = Routes(tag="things")
jobs = Jobs()
failed_once: set[UUID] = set()


class ThingView(View):
    thing_id: UUID
    name: str


@consumers.on(ThingChanged)
async def on_thing_changed(
    tx: Transaction, event: ThingChanged, delivery: Delivery
) -> None:
    await save_thing(tx, event)
    if delivery.republished:
        return
    cause = current_cause()
    await tx.execute(
        """
        INSERT INTO effects
            (event_id, thing_id, version, correlation_id, traceparent, actor)
        VALUES ($1, $2, $3, $4, $5, $6)
        """,
        delivery.event_id,
        event.thing_id,
        event.version,
        delivery.correlation_id,
        cause.traceparent,
        cause.actor,
    )
    misbehave(event)


async def save_thing(tx: Transaction, event: ThingChanged) -> None:
    await tx.execute(
        """
        INSERT INTO things (thing_id, version, name) VALUES ($1, $2, $3)
        ON CONFLICT (thing_id) DO UPDATE
        SET version = EXCLUDED.version, name = EXCLUDED.name
        WHERE things.version < EXCLUDED.version
        """,
        event.thing_id,
        event.version,
        event.name,
    )


def misbehave(event: ThingChanged) -> None:
    if event.fault == "always":
        raise RuntimeError("this event always fails")
    if event.fault == "once" and event.thing_id not in failed_once:
        failed_once.add(event.thing_id)
        raise RuntimeError("this event fails once")


@routes.get("/things/{thing_id}", policy=public())
async def show_thing(call: Call, thing_id: UUID) -> ThingView:
    """Show one thing, waiting for it if it may be on its way."""
    found = await call.wait_for(lambda tx: find_thing(tx, thing_id), of="probe")
    if found is None:
        raise NotFound
    return found


async def find_thing(tx: Transaction, thing_id: UUID) -> ThingView | None:
    row = await tx.fetchrow(
        "SELECT thing_id, name FROM things WHERE thing_id = $1", thing_id
    )
    return ThingView(thing_id=row["thing_id"], name=row["name"]) if row else None


@jobs.every(seconds=1)
async def touch_a_thing(run: JobRun) -> None:
    async with run.db.transaction() as tx:
        await save_thing(
            tx, ThingChanged(thing_id=uuid7(), version=1, name="made by the job")
        )


async def current_originals(
    tx: Transaction, after: UUID | None, limit: int
) -> list[ThingChanged]:
    rows = await tx.fetch(
        """
        SELECT thing_id, version, name FROM originals
        WHERE $1::uuid IS NULL OR thing_id > $1 ORDER BY thing_id LIMIT $2
        """,
        after,
        limit,
    )
    return [
        ThingChanged(thing_id=row["thing_id"], version=row["version"], name=row["name"])
        for row in rows
    ]


PROCESS = Process(
    name="probe",
    package="tests.integration.chassis.probe",
    settings=ProcessSettings,
    routes=(routes,),
    consumers=consumers,
    subscriptions={"probe": (ThingChanged,)},
    jobs=jobs,
    republishers={"things": current_originals},
)
