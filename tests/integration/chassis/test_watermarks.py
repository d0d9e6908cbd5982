"""Reading what one has just written, although an event is still on its way."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count

import pytest

from chassis import retries, watermarks
from chassis.events import Envelope
from chassis.http import waiting
from chassis.ids import uuid7
from tests.integration.chassis.probe import app
from tests.integration.chassis.queues import (
    depth,
    publish_again,
    purge,
    put,
    take_and_give_back,
)
from tests.integration.chassis.stage import (
    Stage,
    a_change,
    are_more_than,
    count_looks,
    until,
)
from tests.support.running import Running

PARTS = ("http", "relay", "consumers")


async def test_what_is_on_its_way_is_waited_for(stage: Stage) -> None:
    change = a_change()
    async with stage.running(*PARTS, relay_delay_seconds=0.5) as probe:
        await stage.emit(change)
        assert await status_of(probe, change.thing_id) == 200


async def test_what_never_was_is_not_found_without_waiting_to_the_end(
    stage: Stage,
) -> None:
    async with stage.running(*PARTS) as probe:
        # At the end of the wait it would be 503.
        assert await status_of(probe, uuid7()) == 404


async def test_under_steady_load_what_never_was_is_still_told_in_time(
    stage: Stage,
) -> None:
    async def keep_emitting(probe: Running, *, ahead: int) -> None:
        """Emit all the time, but never more than the reader can follow."""
        for emitted in count():
            async with probe.db.transaction() as tx:
                await tx.emit(a_change())
            while emitted - await handled(stage) > ahead:
                await asyncio.sleep(0.01)

    async with stage.running(*PARTS) as probe:
        load = asyncio.create_task(keep_emitting(probe, ahead=100))
        await until(lambda: handled(stage))
        assert await status_of(probe, uuid7()) == 404
        load.cancel()
        assert (await asyncio.gather(load, return_exceptions=True))[0] is not None
        assert load.cancelled()


async def test_nobody_is_told_that_something_is_not_there_while_events_lag(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "WAIT_SECONDS", 1.0)
    change = a_change()
    async with stage.running("http", "consumers") as probe:
        await stage.emit(change)
        assert await status_of(probe, change.thing_id) == 503


async def test_nobody_is_told_that_something_is_not_there_while_it_is_being_retried(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "WAIT_SECONDS", 1.0)
    change = a_change(fault="always")
    async with stage.running(*PARTS) as probe:
        await stage.emit(change)
        await until(lambda: has_watermark(stage))
        assert await status_of(probe, change.thing_id) == 503


async def test_a_retry_holds_watermarks_back_after_a_restart_too(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "WAIT_SECONDS", 1.0)
    looks, change = count_looks(monkeypatch), a_change(fault="always")
    async with stage.running("relay", "consumers"):
        await stage.emit(change)
        await until(lambda: waits_for_its_retry(stage))
    async with stage.running(*PARTS) as probe:
        await until(partial(are_more_than, looks, len(looks) + 5))
        assert await status_of(probe, change.thing_id) == 503
    assert not await stage.effects()


async def test_what_is_handled_at_last_holds_back_no_watermark(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = a_change(fault="always")
    async with stage.running("relay", "consumers"):
        await stage.emit(change)
        await until(lambda: waits_for_its_retry(stage))
        monkeypatch.setattr(app, "misbehave", forgive)
        await stage.quiet()
    assert await stage.effects() == [(change.thing_id, 1)]
    assert not await stage.fetch("SELECT 1 FROM retries")


async def test_what_is_handled_by_another_way_than_its_retry_holds_back_no_watermark(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an operator's `resend` does, or a dead letter that is replayed."""
    change, told_at = a_change(fault="always"), datetime.now(UTC) + timedelta(minutes=1)
    async with stage.running("relay", "consumers"):
        await stage.emit(change)
        await until(lambda: waits_for_its_retry(stage))
        await purge(stage.amqp_url, "probe.retry.5s")
        monkeypatch.setattr(app, "misbehave", forgive)
        await publish_again(stage)
        await stage.quiet()
        await tell(stage, probe=told_at)
        await until(lambda: reaches(stage, "probe", told_at))
    assert await stage.effects() == [(change.thing_id, 1)]


async def test_a_retry_holds_back_its_own_producers_watermarks_alone(
    stage: Stage,
) -> None:
    told_at = datetime.now(UTC) + timedelta(minutes=1)
    async with stage.running("relay", "consumers"):
        await stage.emit(a_change(fault="always"))
        await until(lambda: waits_for_its_retry(stage))
        await tell(stage, probe=told_at, other=told_at)
        await until(lambda: reaches(stage, "other", told_at))
        assert not await reaches(stage, "probe", told_at)


async def test_a_retry_that_never_comes_back_holds_no_watermark_for_ever(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "WAIT_SECONDS", 1.0)
    monkeypatch.setattr(watermarks, "LATE_SECONDS", 0.5)
    async with stage.running(*PARTS) as probe:
        await stage.emit(a_change(fault="always"))
        await until(lambda: waits_for_its_retry(stage))
        await purge(stage.amqp_url, "probe.retry.5s")
        assert await status_of(probe, uuid7()) == 503
        await make_due(stage)
        await until(lambda: is_not_found(probe))


async def test_a_retry_that_is_due_holds_watermarks_while_the_broker_may_be_late(
    stage: Stage,
) -> None:
    """A broker that was away has first to send on what became due meanwhile."""
    envelope, now = an_envelope(), datetime.now(UTC)
    await retries.note(stage.db, "probe", envelope, seconds=-3600)
    marks = {"probe": now}
    await watermarks.save(stage.db, "probe", marks, connected_at=now)
    assert not await reaches(stage, "probe", now)
    earlier = now - timedelta(seconds=watermarks.LATE_SECONDS + 1)
    await watermarks.save(stage.db, "probe", marks, connected_at=earlier)
    assert await reaches(stage, "probe", now)


async def test_a_watermark_that_another_replica_gave_back_is_not_kept(
    stage: Stage,
) -> None:
    early, late = (datetime.now(UTC) + timedelta(minutes=m) for m in (1, 2))
    await tell(stage, probe=late)
    await take_and_give_back(stage.amqp_url, "probe")
    async with stage.running("consumers"):
        await until(lambda: is_empty(stage))
        await tell(stage, probe=early)
        await until(lambda: reaches(stage, "probe", early))
        assert not await reaches(stage, "probe", late)


async def test_a_watermark_never_runs_ahead_of_what_is_unpublished(
    stage: Stage,
) -> None:
    async with stage.running(*PARTS, relay_delay_seconds=1.0):
        await until(lambda: has_watermark(stage))
        await stage.emit(a_change())
        committed_at = datetime.now(UTC)
        while not await handled(stage):
            [row] = await stage.fetch(
                """
                SELECT at <= $1 OR EXISTS (SELECT FROM inbox) AS sound
                FROM watermarks
                """,
                committed_at,
            )
            assert row["sound"]
            await asyncio.sleep(0.02)


async def test_watermarks_do_not_pile_up_where_nobody_consumes(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = count_looks(monkeypatch)
    async with stage.running("relay"):
        await until(partial(are_more_than, looks, 3))  # each would have brought one
    assert await depth(stage.amqp_url, "probe") == 0


async def status_of(probe: Running, thing_id: object) -> int:
    return (await probe.client.get(f"/api/v1/things/{thing_id}")).status


async def handled(stage: Stage) -> int:
    """Return how many events were handled."""
    [row] = await stage.fetch("SELECT count(*) AS events FROM inbox")
    return row["events"]


async def has_watermark(stage: Stage) -> bool:
    return bool(await stage.fetch("SELECT 1 FROM watermarks"))


async def waits_for_its_retry(stage: Stage) -> bool:
    """Whether an event is noted, and on its way."""
    noted = bool(await stage.fetch("SELECT 1 FROM retries"))
    return noted and await depth(stage.amqp_url, "probe.retry.5s") == 1


async def is_empty(stage: Stage) -> bool:
    return await depth(stage.amqp_url, "probe") == 0


def forgive(_event: object) -> None:
    """Fail no more."""


async def make_due(stage: Stage) -> None:
    async with stage.db.transaction() as tx:
        await tx.execute("UPDATE retries SET due_at = now()")


async def is_not_found(probe: Running) -> bool:
    return await status_of(probe, uuid7()) == 404


async def tell(stage: Stage, **marks: datetime) -> None:
    """Send watermarks, as these producers would."""
    for producer, at in marks.items():
        body = json.dumps({"producer": producer, "at": at.isoformat()}).encode()
        await put(stage.amqp_url, body, type_=f"{producer}.watermark.v1")


async def reaches(stage: Stage, producer: str, at: datetime) -> bool:
    return bool(
        await stage.fetch(
            "SELECT 1 FROM watermarks WHERE producer = $1 AND at >= $2", producer, at
        )
    )


def an_envelope() -> Envelope:
    return Envelope(
        id=uuid7(),
        type="probe.thing.changed.v1",
        source="probe",
        subject=uuid7(),
        time=datetime.now(UTC) - timedelta(hours=2),
        correlationid="c",
        causationid="c",
        version=1,
        data={},
    )
