"""Restores that are cut off: nothing works with a half, and the next one goes on."""

import asyncio
import os
import shlex
import signal
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import cast

import asyncpg
import pytest

from chassis.db import open_database
from chassis.health import Health
from chassis.migrations import CannotMigrate, migrate
from chassis.restoring import Mark, find_mark
from deploy.audit import audit
from deploy.operate import doctor, marks, rooms
from deploy.operate import restore as restoring
from deploy.operate.backup import back_up
from deploy.operate.faults import CannotOperate
from deploy.operate.restore import restore
from deploy.operate.snapshots import connected
from deploy.operate.targets import SERVICES, Targets
from tests.integration.deploy.installations import (
    accounts,
    everything,
    fetch,
    into,
)

WAIT_SECONDS = 120


class Killed(BaseException):
    """Stands for a process that is no longer there to undo anything."""


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


@dataclass
class Cut:
    """Ends a restore, as a kill does, where it is about to change a mark."""

    #: How many changes it lives to see, from `begin` on.
    after: int = 0
    changes: int = 0
    is_dead: bool = False

    def begin(self, after: int) -> None:
        self.after, self.changes, self.is_dead = after, 0, False

    def change(self) -> None:
        if self.changes == self.after:
            self.is_dead = True
            raise Killed
        self.changes += 1


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> Cut:
    cut = Cut()
    comment = marks._comment  # noqa: SLF001 # pyright: ignore - the moments themselves
    undo = rooms._undo  # noqa: SLF001 # pyright: ignore - what the dead don't do

    async def live_or_die(
        connection: asyncpg.Connection, schema: str, text: str
    ) -> None:
        cut.change()
        await comment(connection, schema, text)

    async def undo_unless_dead(
        targets: Targets, found: Mapping[str, rooms.Room], mark: Mark
    ) -> None:
        if not cut.is_dead:
            await undo(targets, found, mark)

    monkeypatch.setattr(marks, "_comment", live_or_die)
    monkeypatch.setattr(rooms, "_undo", undo_unless_dead)
    return cut


#: Changes of marks: of all; as one schema is set aside; then of all at the end, where
#: one changes twice; or of all as it is undone, where the one put back changes twice.
BEGUN, SET_ASIDE, END = 4, 2, 5
NEVER = BEGUN + SET_ASIDE + END + 1
UNTIL_ITS_END = range(BEGUN + SET_ASIDE, BEGUN + SET_ASIDE + END)


@pytest.mark.parametrize("after", [2, *range(BEGUN, BEGUN + SET_ASIDE), *UNTIL_ITS_END])
async def test_wherever_a_restore_is_cut_off_what_it_advises_ends_it(
    here: Targets, tmp_path: Path, cut: Cut, after: int
) -> None:
    await cut_off_and_done_as_advised(here, tmp_path, cut, after)


@pytest.mark.parametrize("after", UNTIL_ITS_END)
async def test_wherever_its_undoing_is_cut_off_what_it_advises_ends_it(
    here: Targets,
    tmp_path: Path,
    cut: Cut,
    monkeypatch: pytest.MonkeyPatch,
    after: int,
) -> None:
    bring_up_to_date = restoring._bring_up_to_date  # noqa: SLF001 # pyright: ignore - a late step

    async def away_unless_cut(
        targets: Targets, services: Sequence[str], taken_at: datetime
    ) -> None:
        if cut.after != NEVER:
            raise ConnectionResetError
        await bring_up_to_date(targets, services, taken_at)

    monkeypatch.setattr(restoring, "_bring_up_to_date", away_unless_cut)
    await cut_off_and_done_as_advised(here, tmp_path, cut, after)


async def cut_off_and_done_as_advised(
    here: Targets, folder: Path, cut: Cut, after: int
) -> None:
    backup = await back_up(here, SERVICES, folder / "backup")
    saved = await everything(here)
    async with accounts(here) as stage:
        await stage.register(email="later@example.com")
    cut.begin(after)
    with pytest.raises(Killed):
        await restore(here, SERVICES, backup, into=into(here), aside=True)
    cut.begin(NEVER)
    assert await restore_as_advised(here)

    assert await everything(here) == saved
    await marks.refuse_unfinished(here, SERVICES)
    # Nothing was set aside but what had been there, and that once.
    assert await kept_emails(here) == ["later@example.com", "person1@example.com"]


async def kept_emails(targets: Targets) -> list[str]:
    """Return who is known to the one `accounts` that was set aside."""
    owner = targets.owner("accounts")
    [kept] = await fetch(
        owner,
        "SELECT nspname AS name FROM pg_namespace WHERE starts_with(nspname, $1)",
        "accounts_until_",
    )
    users = f"SELECT email FROM {kept['name']}.users ORDER BY email"  # noqa: S608 - our own
    return [row["email"] for row in await fetch(owner, users)]


@pytest.mark.parametrize("after", [BEGUN, BEGUN + 1, BEGUN + END - 1])
async def test_what_was_restored_needs_not_be_set_aside_to_be_unmarked(
    here: Targets, elsewhere: Targets, tmp_path: Path, cut: Cut, after: int
) -> None:
    backup = await back_up(here, SERVICES, tmp_path / "backup")
    cut.begin(after)
    with pytest.raises(Killed):
        await restore(elsewhere, SERVICES, backup, into=into(elsewhere), aside=False)
    cut.begin(NEVER)
    assert await restore_as_advised(elsewhere)
    assert await everything(elsewhere) == await everything(here)
    await marks.refuse_unfinished(elsewhere, SERVICES)


async def test_a_restore_of_something_else_keeps_what_was_only_to_be_unmarked(
    here: Targets, elsewhere: Targets, tmp_path: Path, cut: Cut
) -> None:
    first = await back_up(here, SERVICES, tmp_path / "first")
    async with accounts(here) as stage:
        await stage.register(email="later@example.com")
    second = await back_up(here, SERVICES, tmp_path / "second")
    cut.begin(BEGUN + 2)
    with pytest.raises(Killed):
        await restore(elsewhere, SERVICES, first, into=into(elsewhere), aside=False)
    cut.begin(2 * NEVER)
    assert await restore(elsewhere, SERVICES, second, into=into(elsewhere), aside=True)
    assert await everything(elsewhere) == await everything(here)
    assert await kept_emails(elsewhere) == ["person1@example.com"]
    await marks.refuse_unfinished(elsewhere, SERVICES)


async def restore_as_advised(targets: Targets) -> bool:
    """Do what those that are marked advise, which is the same of all."""
    found = [mark for name in SERVICES if (mark := await mark_in(targets, name))]
    [command] = {mark.command for mark in found}
    assert command.startswith("operate restore ")
    _, _, folder, *options = shlex.split(command)
    return await restore(
        targets,
        SERVICES,
        Path(folder),
        into=options[options.index("--into") + 1],
        aside="--set-aside" in options,
    )


async def mark_in(targets: Targets, service: str) -> Mark | None:
    async with connected(targets.owner(service)) as owner:
        return await find_mark(owner, service)


async def test_two_restores_at_once_are_one_and_a_line(
    here: Targets, tmp_path: Path
) -> None:
    backup = await back_up(here, SERVICES, tmp_path / "backup")
    async with at_work(here, backup, "restoring billing …") as process:
        with pytest.raises(CannotOperate, match="Another restore into"):
            await restore(here, SERVICES, backup, into=into(here), aside=True)
        await process.communicate()
    assert process.returncode == 0
