"""Restores that are cut off: nothing works with a half, and the next one goes on."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest

from chassis.db import open_database
from chassis.health import Health
from chassis.migrations import CannotMigrate, migrate
from deploy.audit import audit
from deploy.operate import doctor, marks
from deploy.operate.backup import back_up
from deploy.operate.faults import CannotOperate
from deploy.operate.restore import restore
from deploy.operate.targets import SERVICES, Targets
from tests.integration.deploy.installations import (
    accounts,
    everything,
    fetch,
    into,
)

WAIT_SECONDS = 120


async def away(*_: object) -> None:
    raise ConnectionResetError("the server went away")


@asynccontextmanager
async def at_work(
    targets: Targets, backup: Path, line: str
) -> AsyncGenerator[asyncio.subprocess.Process]:
    """Restore in a process of its own, and yield it once it says this line."""
    told = {
        **{f"{name}_owner_database_url": url for name, url in targets.owners.items()},
        "audit_url": targets.auditor("billing"),
        "amqp_url": targets.amqp_url,
        "database_admin_url": targets.admin_url,
        "blobs_dir": str(targets.blobs),
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.operate", "restore", str(backup)),
        *("--into", into(targets), "--set-aside"),
        env=os.environ | {name.upper(): value for name, value in told.items()},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(WAIT_SECONDS):
            while said := await process.stdout.readline():
                if said.decode().startswith(line):
                    yield process
                    return
        pytest.fail(f"it never said {line!r}")
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.parametrize(
    "line",
    [
        "accounts: what was there is kept",
        "restoring accounts …",
        "restoring notifier …",
        "restoring attachments …",
    ],
)
async def test_half_a_restore_is_refused_by_all_until_it_is_done_again(
    here: Targets, tmp_path: Path, line: str
) -> None:
    backup = await back_up(here, SERVICES, tmp_path / "backup")
    saved = await everything(here)
    async with accounts(here) as stage:
        await stage.register(email="later@example.com")
    async with at_work(here, backup, line) as process:
        process.kill()
        await process.wait()

    await assert_refused(
        here, backup, f"restore {backup} --into {into(here)} --set-aside"
    )
    assert await restore(here, SERVICES, backup, into=into(here), aside=True)

    assert await everything(here) == saved
    assert await audit_agrees(here)
    assert await migrate_notifier(here) == []
    # There is one set, it says what it is, and it has what the backup hasn't.
    schemas = await fetch(
        here.owner("accounts"),
        "SELECT nspname AS name, obj_description(oid) AS comment FROM pg_namespace"
        " WHERE starts_with(nspname, 'accounts')",
    )
    comments = {row["name"]: row["comment"] for row in schemas}
    assert comments.pop("accounts") is None
    [(kept, comment)] = comments.items()
    assert comment.startswith("what was there before the restore of 20")
    rows = await fetch(here.owner("accounts"), f"SELECT email FROM {kept}.users")  # noqa: S608 - our own
    assert "later@example.com" in {row["email"] for row in rows}


async def assert_refused(targets: Targets, backup: Path, command: str) -> None:
    """Whatever would work with half a restore says, in a line, how to end it."""
    with pytest.raises(CannotMigrate) as migrating:
        await migrate_notifier(targets)
    assert str(migrating.value).endswith(command)
    with pytest.raises(CannotOperate) as saving:
        await back_up(targets, SERVICES, targets.folder("blobs").parent / "never")
    assert str(saving.value).startswith("accounts, billing, tickets, notifier: ")
    assert str(saving.value).endswith(command)
    with pytest.raises(CannotOperate, match="accounts, billing, tickets: a restore"):
        await restore(targets, ["notifier"], backup, into=into(targets), aside=True)
    found = [f async for f in doctor.examine(targets) if f.seen == "half a restore"]
    assert [finding.part for finding in found] == list(SERVICES)
    assert all(finding.wrong.endswith(command) for finding in found)
    [finding] = await audit(dict(targets.auditors), wait_seconds=0)
    [violation] = finding.violations
    assert violation.endswith(command)
    assert "\n" not in violation
    for name in SERVICES:
        url = targets.owner(name)
        async with open_database(url, schema=name, pool_size=2) as database:
            health = Health(database, f"services.{name}")
            assert await health.missing_schema() == ["a restore that hasn't ended"]


async def migrate_notifier(targets: Targets) -> list[str]:
    url = targets.owner("notifier")
    return await migrate(url, schema="notifier", package="services.notifier")


async def audit_agrees(targets: Targets) -> bool:
    await fetch(
        targets.owner("accounts"),
        "DELETE FROM accounts.outbox",  # of which nobody has handled anything here
    )
    findings = await audit(dict(targets.auditors), wait_seconds=0)
    own = [f for f in findings if f.name != "projections are current"]
    return all(finding.agrees or finding.once_running for finding in own)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_restore_that_is_told_to_end_undoes_what_it_did(
    here: Targets, tmp_path: Path, number: signal.Signals
) -> None:
    backup = await back_up(here, SERVICES, tmp_path / "backup")
    before = await everything(here)
    async with at_work(here, backup, "restoring notifier …") as process:
        process.send_signal(number)
        process.send_signal(number)
        said, fault = await process.communicate()
    assert said.decode().endswith(
        "nothing was restored; what was there before is there\n"
    )
    assert fault.decode() == "stopped\n"
    assert process.returncode == 1
    await assert_as_before(here, before)


async def test_a_terminal_that_is_lost_keeps_nothing_from_being_undone(
    here: Targets, tmp_path: Path
) -> None:
    backup = await back_up(here, SERVICES, tmp_path / "backup")
    before = await everything(here)
    async with at_work(here, backup, "restoring notifier …") as process:
        for number in (1, 2):
            transport = cast("asyncio.SubprocessTransport", process._transport)  # noqa: SLF001 # pyright: ignore - nothing public closes our ends alone
            pipe = transport.get_pipe_transport(number)
            assert pipe is not None
            pipe.close()
        process.send_signal(signal.SIGHUP)
        await process.wait()
    await assert_as_before(here, before)


async def assert_as_before(targets: Targets, before: dict[str, list[str]]) -> None:
    after = await everything(targets)
    idle = {f"{s}.{t}" for s in SERVICES for t in ("schema_migrations", "readings")}
    assert after.keys() == before.keys()
    assert {table for table in after if after[table] != before[table]} <= idle
    await marks.refuse_unfinished(targets, SERVICES)


async def test_what_was_there_before_a_killed_restore_is_back_when_the_next_one_fails(
    here: Targets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = await back_up(here, SERVICES, tmp_path / "backup")
    async with accounts(here) as stage:
        await stage.register(email="later@example.com")
    before = await everything(here)
    async with at_work(here, backup, "restoring notifier …") as process:
        process.kill()
        await process.wait()

    monkeypatch.setattr("deploy.operate.restore._bring_up_to_date", away)
    with pytest.raises(ConnectionResetError):
        await restore(here, SERVICES, backup, into=into(here), aside=True)
    await assert_as_before(here, before)


async def test_two_restores_at_once_are_one_and_a_line(
    here: Targets, tmp_path: Path
) -> None:
    backup = await back_up(here, SERVICES, tmp_path / "backup")
    async with at_work(here, backup, "restoring billing …") as process:
        with pytest.raises(CannotOperate, match="Another restore into"):
            await restore(here, SERVICES, backup, into=into(here), aside=True)
        await process.communicate()
    assert process.returncode == 0
