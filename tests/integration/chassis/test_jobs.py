"""Jobs: each slot once, whoever runs; purging; the sandbox's clock."""

from datetime import UTC, datetime, timedelta

from chassis import clockshift
from chassis.ids import uuid7
from chassis.jobs import JobRun, Jobs, run, run_due
from chassis.purge import plumbing_jobs
from tests.integration.chassis.stage import Stage, a_change, until


async def test_each_slot_runs_once_however_many_workers_there_are(stage: Stage) -> None:
    async with stage.running("jobs"), stage.running("jobs"), stage.running("jobs"):
        await until(lambda: has_runs(stage, 3))
    rows = await stage.fetch(
        """
        SELECT (SELECT count(*) FROM things) AS effects, count(*) AS slots
        FROM job_runs WHERE job = 'touch_a_thing'
        """
    )
    assert rows[0]["effects"] == rows[0]["slots"]


async def test_a_job_that_fails_is_noted_and_runs_again_at_its_next_slot(
    stage: Stage,
) -> None:
    jobs = Jobs()

    @jobs.every(seconds=0.2)
    async def always_fails(run: JobRun) -> None:
        raise RuntimeError(f"run {run.run_id} fails")

    async with stage.running("http") as probe:
        job = jobs["always_fails"]
        await until(lambda: run_due(job, probe.resources))
        await until(lambda: run_due(job, probe.resources))
    rows = await stage.fetch("SELECT error, finished_at FROM job_runs")
    assert len(rows) == 2
    assert all("fails" in row["error"] and row["finished_at"] for row in rows)


async def test_only_what_is_out_of_date_is_purged(stage: Stage) -> None:
    old, new = a_change(), a_change()
    async with stage.running("relay", "consumers") as probe:
        await stage.emit(old, new)
        await stage.quiet()
        async with stage.db.transaction() as tx:
            await tx.execute(
                """
                UPDATE outbox SET published_at = now() - interval '31 days'
                WHERE subject = $1
                """,
                old.thing_id,
            )
            await tx.execute(
                """
                UPDATE inbox SET handled_at = now() - interval '91 days'
                WHERE event_id = (SELECT event_id FROM outbox WHERE subject = $1)
                """,
                old.thing_id,
            )
        await run(plumbing_jobs["purge_plumbing"], probe.resources, run_id=uuid7())
    rows = await stage.fetch("SELECT subject FROM outbox JOIN inbox USING (event_id)")
    assert [row["subject"] for row in rows] == [new.thing_id]
    assert len(await stage.fetch("SELECT 1 FROM outbox")) == 1
    assert len(await stage.fetch("SELECT 1 FROM inbox")) == 1


async def test_a_retry_is_purged_once_it_is_out_of_date_or_handled_by_another_way(
    stage: Stage,
) -> None:
    now, (old, handled, waiting) = datetime.now(UTC), (uuid7() for _ in range(3))
    async with stage.db.transaction() as tx:
        await tx.execute(
            """
            INSERT INTO retries (consumer, event_id, producer, emitted_at, due_at)
            SELECT 'probe', id, 'probe', due_at, due_at
            FROM unnest($1::uuid[], $2::timestamptz[]) AS noted (id, due_at)
            """,
            [old, handled, waiting],
            [now - timedelta(days=31), now, now],
        )
        await tx.execute(
            "INSERT INTO inbox (consumer, event_id, type) VALUES ('probe', $1, 'x')",
            handled,
        )
    async with stage.running("http") as probe:
        await run(plumbing_jobs["purge_plumbing"], probe.resources, run_id=uuid7())
    [kept] = await stage.fetch("SELECT event_id FROM retries")
    assert kept["event_id"] == waiting


async def test_an_unpublished_event_is_never_purged(stage: Stage) -> None:
    await stage.emit(a_change())
    async with stage.db.transaction() as tx:
        await tx.execute("UPDATE outbox SET emitted_at = now() - interval '1 year'")
    async with stage.running("http") as probe:
        await run(plumbing_jobs["purge_plumbing"], probe.resources, run_id=uuid7())
    assert len(await stage.fetch("SELECT 1 FROM outbox")) == 1


async def test_the_sandboxs_clock_moves_business_time_alone(stage: Stage) -> None:
    async with stage.running("http", sandbox_clock=True) as probe:
        async with stage.db.transaction() as tx:
            await clockshift.move(tx, timedelta(days=40).total_seconds())

        async def moved() -> bool:
            return probe.clock.shift == timedelta(days=40)

        await until(moved)
        before, moved_to = probe.clock.now(), probe.clock.business_now()
        after = probe.clock.now()
    assert before <= moved_to - timedelta(days=40) <= after


async def test_without_the_sandbox_the_clock_stays(stage: Stage) -> None:
    async with stage.db.transaction() as tx:
        await clockshift.move(tx, 3600)
    async with (
        stage.running("http") as probe,
        stage.running("http", sandbox_clock=True) as follower,
    ):

        async def followed() -> bool:
            return follower.clock.shift == timedelta(hours=1)

        await until(followed)
        assert probe.clock.shift == timedelta()


async def has_runs(stage: Stage, count: int) -> bool:
    rows = await stage.fetch(
        "SELECT 1 FROM job_runs WHERE job = 'touch_a_thing' AND finished_at IS NOT NULL"
    )
    return len(rows) >= count
