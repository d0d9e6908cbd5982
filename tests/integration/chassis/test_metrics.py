"""What operators are told: by every replica alike, and of now."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from chassis import checking
from chassis.checking import checking_jobs
from chassis.checks import Check, CheckResult
from chassis.consumers import Consumers
from chassis.db import DatabaseAway, Transaction, pools
from chassis.ids import uuid7
from chassis.inbox import Inbox
from chassis.jobs import JobRun, Jobs, run_due
from chassis.jobs import run as run_job
from chassis.listener import Listener
from chassis.receiver import Receiver
from chassis.resources import Resources
from tests.integration.chassis.probe.app import PROCESS
from tests.integration.chassis.stage import Stage, until
from tests.support.measured import measured, told
from tests.support.running import Running, running


@pytest.fixture(autouse=True)
def patient() -> None:
    """Leave the limits as they are: a claim's is told."""


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "PAUSE_SECONDS", 0.01)


@dataclass
class Claim:
    """A claim that finds, run by run, what a test says."""

    findings: list[list[str]]
    timeouts: list[str] = field(default_factory=list[str])

    async def run(self, tx: Transaction) -> CheckResult:
        self.timeouts.append(await tx.fetchval("SHOW statement_timeout"))
        return CheckResult(7, self.findings.pop(0))


@asynccontextmanager
async def claiming(stage: Stage, **claims: Claim) -> AsyncGenerator[Running]:
    checks = tuple(Check(name, claim.run) for name, claim in claims.items())
    async with running(
        replace(PROCESS, checks=checks),
        database_url=stage.database.url,
        amqp_url=stage.amqp_url,
        parts=frozenset({"http"}),
    ) as process:
        job = checking_jobs["check_claims"]
        assert await run_job(job, process.resources, run_id=uuid7()) is None
        yield process


async def test_a_claim_that_does_not_hold_is_told(stage: Stage) -> None:
    claim = Claim([["one is wrong"], ["one is wrong"]])
    async with claiming(stage, sound=Claim([[]]), broken=claim) as process:
        assert await measured(process, "check_violations", check="broken") == 1
        assert await measured(process, "check_violations", check="sound") == 0
        assert await measured(process, "check_checked", check="sound") == 7


async def test_what_was_in_motion_is_no_violation(stage: Stage) -> None:
    claim = Claim([["one is on its way"], ["another is on its way"]])
    async with claiming(stage, settled=claim) as process:
        assert await measured(process, "check_violations", check="settled") == 0


async def test_a_replica_that_did_not_look_tells_what_another_found(
    stage: Stage,
) -> None:
    async with claiming(stage, shared=Claim([["x"], ["x"]])):
        pass
    async with stage.running("http") as other:
        assert await measured(other, "check_violations", check="shared") == 1


async def test_a_claim_that_is_made_no_more_is_forgotten(stage: Stage) -> None:
    async with claiming(stage, old=Claim([["x"], ["x"]])):
        pass
    async with claiming(stage, new=Claim([[]])):
        rows = await stage.fetch("SELECT name FROM check_results")
    assert [row["name"] for row in rows] == ["new"]


async def test_claims_are_given_more_time_than_what_serves_people(
    stage: Stage,
) -> None:
    claim = Claim([[]])
    async with claiming(stage, slow=claim):
        pass
    assert claim.timeouts == ["1min"]


async def test_when_a_job_last_succeeded_is_known_to_every_replica(
    stage: Stage,
) -> None:
    async def succeeded(replica: Running) -> float | None:
        name = "job_last_success_timestamp_seconds"
        return await measured(replica, name, job_name="touch_a_thing")

    async with stage.running("http") as watching:
        assert not await succeeded(watching)
        async with stage.running("jobs"):
            assert await until(lambda: succeeded(watching))
        interval = await measured(
            watching, "job_interval_seconds", job_name="touch_a_thing"
        )
    assert interval == 1


async def test_a_job_that_only_fails_never_succeeded(stage: Stage) -> None:
    jobs = Jobs()

    @jobs.every(seconds=1)
    async def only_fails(_run: JobRun) -> None:
        raise RuntimeError

    process = replace(PROCESS, jobs=jobs)
    async with running(
        process,
        database_url=stage.database.url,
        amqp_url=stage.amqp_url,
        parts=frozenset({"http"}),
    ) as replica:
        await until(lambda: run_due(jobs["only_fails"], replica.resources))
        labels = {"job_name": "only_fails"}
        assert await measured(replica, "job_failures_total", **labels) == 1
        last = "job_last_success_timestamp_seconds"
        assert await measured(replica, last, **labels) is None


async def test_a_process_without_its_database_says_so(stage: Stage) -> None:
    async with running(
        PROCESS,
        database_url="postgres://nobody:nothing@127.0.0.1:9/nowhere",
        amqp_url=stage.amqp_url,
        parts=frozenset({"http"}),
    ) as lost:
        assert await measured(lost, "database_up", schema="probe") == 0
        assert await measured(lost, "process_ready") == 0


async def test_work_that_gets_no_connection_is_counted(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stage.running("http", pool_size=2) as process:
        failures = "database_acquire_failures_total"
        before = await measured(process, failures, pool="write")
        async with AsyncExitStack() as stack:
            for _ in range(2):
                await stack.enter_async_context(process.db.transaction())
            with monkeypatch.context() as hurried:
                hurried.setattr(pools, "ACQUIRE_SECONDS", 0.1)
                with pytest.raises(DatabaseAway):
                    await stack.enter_async_context(process.db.transaction())
            assert await measured(process, "database_connections", pool="write") == 2
            assert (
                await measured(process, "database_connections_idle", pool="write") == 0
            )
        assert await measured(process, failures, pool="write") == (before or 0) + 1


async def test_what_may_fail_is_told_as_none_before_it_does(stage: Stage) -> None:
    async with stage.running("http", "consumers") as process:
        failed = {"consumer": "probe", "type": "probe.thing.changed.v1"}

        async def is_connected() -> bool:
            return await measured(process, "consumer_connected", consumer="probe") == 1

        await until(is_connected)
        assert await measured(process, "events_failed_total", **failed) is not None
        assert (
            await measured(process, "events_dead_total", consumer="probe") is not None
        )


async def test_who_never_reached_the_broker_is_told_as_not_connected(
    stage: Stage,
) -> None:
    inbox = Inbox(Consumers("lonely"), Resources(), stage.db)
    Receiver("amqp://nobody:nothing@127.0.0.1:9/", inbox, {})
    Listener(
        "amqp://nobody:nothing@127.0.0.1:9/",
        "lonely",
        (),
        hear=lambda _envelope, _event: None,
        missed=lambda: None,
    )
    assert told("consumer_connected", consumer="lonely") == 0
    assert told("listener_connected", listener="lonely") == 0
