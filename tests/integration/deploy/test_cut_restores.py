"""Restores that are cut off at each of their steps, and what they advise then."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from chassis.restoring import IN_PLACE, NOTHING, Mark, find_mark
from deploy.operate import marks, rooms
from deploy.operate import restore as restoring
from deploy.operate.backup import back_up
from deploy.operate.restore import restore
from deploy.operate.snapshots import connected
from deploy.operate.targets import SERVICES, Targets
from deploy.postgres.bootstrap import bootstrap, owner_of, roles_of
from tests.integration.deploy.installations import (
    accounts,
    everything,
    fetch,
    into,
    migrate_all,
)


class Killed(BaseException):
    """Stands for a process that is no longer there to undo anything."""


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


@pytest.mark.parametrize("after", [BEGUN, BEGUN + SET_ASIDE])
async def test_what_was_there_before_is_put_back_by_hand_where_the_backup_is_gone(
    here: Targets, tmp_path: Path, cut: Cut, after: int
) -> None:
    """By what docs/operating/backup.md says, for each mark."""
    backup = await back_up(here, SERVICES, tmp_path / "backup")
    async with accounts(here) as stage:
        await stage.register(email="later@example.com")
    before = await everything(here)
    cut.begin(after)
    with pytest.raises(Killed):
        await restore(here, SERVICES, backup, into=into(here), aside=True)
    database = urlsplit(here.owner("accounts")).path
    admin = urlsplit(here.admin_url)._replace(path=database).geturl()
    for service in SERVICES:
        mark = await mark_in(here, service)
        assert mark is not None
        for statement in by_hand(service, mark.before):
            await fetch(admin, statement)
    passwords = dict.fromkeys(roles_of(SERVICES), "test")
    await bootstrap(here.admin_url, SERVICES, passwords, database.strip("/"))
    await migrate_all({owner_of(name): here.owner(name) for name in SERVICES})

    after_it = await everything(here)
    for table in ("users", "customers", "outbox", "sessions"):
        assert after_it[f"accounts.{table}"] == before[f"accounts.{table}"]
    assert after_it.keys() == before.keys()
    await marks.refuse_unfinished(here, SERVICES)
    async with accounts(here) as stage:
        await stage.register(email="latest@example.com")


def by_hand(service: str, before: str) -> Sequence[str]:
    unmark = f"COMMENT ON SCHEMA {service} IS NULL"
    drop = f"DROP SCHEMA {service} CASCADE"
    if before == IN_PLACE:
        return [unmark]
    if before == NOTHING:
        return [drop]
    return [drop, f"ALTER SCHEMA {before} RENAME TO {service}", unmark]
