"""Backups and restores on real servers: nothing changes, nothing is overwritten."""

import errno
import os
import tarfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import asyncpg
import pytest

from chassis import migrations
from chassis.ids import uuid7
from chassis.schema import dump_schema
from deploy.operate import archive, manifest, programs, reunion
from deploy.operate.__main__ import FAULTS
from deploy.operate.backup import back_up
from deploy.operate.faults import CannotOperate
from deploy.operate.restore import restore
from deploy.operate.targets import SERVICES, Targets
from deploy.postgres.bootstrap import AUDITOR
from tests.integration.deploy.installations import (
    accounts,
    begin_to_read,
    everything,
    fetch,
    handle,
    into,
    put,
)

ROOT = Path(__file__).parents[3]
HOUR = timedelta(hours=1)


@pytest.mark.parametrize("elsewhere", ["bare", "migrated"], indirect=True)
async def test_what_is_restored_is_what_was_saved(
    here: Targets, elsewhere: Targets, tmp_path: Path
) -> None:
    backup = await back_up(here, SERVICES, tmp_path / "backup")
    assert await restore(elsewhere, SERVICES, backup, into=into(elsewhere), aside=False)
    assert await everything(elsewhere) == await everything(here)
    stored = elsewhere.folder("blobs") / "ab" / "0123456789ab"
    assert stored.read_bytes() == b"proof"
    for service in SERVICES:
        schema = (ROOT / f"services/{service}/schema.sql").read_text()
        assert await dump_schema(elsewhere.owner(service), service) == schema


async def test_rights_are_restored_and_tables_to_come_get_theirs(
    here: Targets, elsewhere: Targets, tmp_path: Path
) -> None:
    backup = await back_up(here, SERVICES, tmp_path / "backup")
    await restore(elsewhere, SERVICES, backup, into=into(elsewhere), aside=False)
    rights = """
        SELECT c.oid::regclass::text AS name, r.role,
               (SELECT array_agg(p.may ORDER BY p.may)
                FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) p(may)
                WHERE has_table_privilege(r.role, c.oid, p.may)) AS rights
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
             unnest($2::text[]) r(role)
        WHERE n.nspname = $1 AND c.relkind = 'r' ORDER BY 1, 2
    """
    for service in SERVICES:
        owner = await asyncpg.connect(elsewhere.owner(service))
        await owner.execute(f"CREATE TABLE {service}.later (id int)")
        roles = [service, AUDITOR]
        restored = await owner.fetch(rights, service, roles)
        await owner.execute(f"DROP TABLE {service}.later")
        await owner.close()
        later = {r["role"]: r["rights"] for r in restored if "later" in r["name"]}
        assert later[service] == ["DELETE", "INSERT", "SELECT", "UPDATE"]
        assert later[AUDITOR] == ["SELECT"]
        original = await fetch(here.owner(service), rights, service, roles)
        assert [r for r in restored if "later" not in r["name"]] == original


async def test_a_restore_warns_of_events_that_are_younger_than_it(
    here: Targets,
    elsewhere: Targets,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    backup = await back_up(here, SERVICES, tmp_path / "backup")
    await put(elsewhere.amqp_url, "tickets", "one")
    await restore(elsewhere, SERVICES, backup, into=into(elsewhere), aside=False)
    assert "the broker holds 1 events" in capsys.readouterr().out


async def test_what_holds_anything_is_refused_and_stays_as_it_is(
    here: Targets, tmp_path: Path
) -> None:
    backup = await back_up(here, SERVICES, tmp_path / "backup")
    before = await everything(here)
    with pytest.raises(CannotOperate, match="accounts: there is something in it"):
        await restore(here, SERVICES, backup, into=into(here), aside=False)
    assert await everything(here) == before


async def test_what_was_there_can_be_kept_under_another_name(
    here: Targets, tmp_path: Path
) -> None:
    backup = await back_up(here, SERVICES, tmp_path / "backup")
    before = await everything(here)
    async with accounts(here) as stage:
        await stage.register(email="later@example.com")
    assert await restore(here, ["accounts"], backup, into=into(here), aside=True)
    after = await everything(here)
    assert after["accounts.users"] == before["accounts.users"]
    [kept] = await kept_schemas(here)
    rows = await fetch(here.owner("accounts"), f"SELECT email FROM {kept}.users")  # noqa: S608 - our own
    assert "later@example.com" in {row["email"] for row in rows}


@pytest.mark.parametrize("aside", [True, False])
async def test_a_restore_that_fails_leaves_everything_as_it_was(
    here: Targets, elsewhere: Targets, tmp_path: Path, *, aside: bool
) -> None:
    backup = await back_up(here, SERVICES, tmp_path / "backup")
    (backup / "notifier.dump").write_bytes(b"PGDMP and nothing after it")
    saved = manifest.read(backup)
    files = manifest.describe_all(backup)
    spoilt = [file for file in files if file.name != manifest.NAME]
    manifest.write(backup, saved.model_copy(update={"files": spoilt}))
    target = here if aside else elsewhere
    before = await everything(target)
    with pytest.raises(CannotOperate, match="pg_restore failed"):
        await restore(target, SERVICES, backup, into=into(target), aside=aside)
    after = await everything(target)
    assert_unchanged(before, after)
    for noted in before.keys() & {f"{service}.readings" for service in SERVICES}:
        assert len(after[noted]) == len(before[noted])


@pytest.mark.parametrize("aside", [True, False])
async def test_a_restore_whose_migration_fails_leaves_everything_as_it_was(
    here: Targets,
    elsewhere: Targets,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    aside: bool,
) -> None:
    backup = await back_up(here, SERVICES, tmp_path / "backup")
    target = here if aside else elsewhere
    before = await everything(target)
    unfit = migrations.Migration("9999_unfit", "ALTER TABLE mails ADD COLUMN id int")
    known = migrations.migrations_of

    def with_unfit(package: str) -> list[migrations.Migration]:
        return [*known(package), *([unfit] if package == "services.notifier" else ())]

    with monkeypatch.context() as newer:
        newer.setattr(migrations, "migrations_of", with_unfit)
        with pytest.raises(migrations.CannotMigrate, match="9999_unfit"):
            await restore(target, SERVICES, backup, into=into(target), aside=aside)
    assert_unchanged(before, await everything(target))
    assert await kept_schemas(target) == []
    # Nothing is in the way of the next attempt, and rights are as they were.
    assert await restore(target, SERVICES, backup, into=into(target), aside=aside)


async def test_a_service_that_can_not_be_brought_together_with_the_others_is_undone(
    here: Targets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(*_: object) -> None:
        raise ConnectionResetError("the server went away")

    backup = await back_up(here, SERVICES, tmp_path / "backup")
    async with accounts(here) as stage:
        await stage.register(email="later@example.com")
    before = await everything(here)
    monkeypatch.setattr("deploy.operate.restore.reunite", lost)
    with pytest.raises(ConnectionResetError):
        await restore(here, ["accounts"], backup, into=into(here), aside=True)
    assert await everything(here) == before
    assert await kept_schemas(here) == []


def assert_unchanged(before: dict[str, list[str]], after: dict[str, list[str]]) -> None:
    assert after.keys() == before.keys()
    # Those that nobody had used yet are migrated anew.
    assert {table for table in after if after[table] != before[table]} <= {
        f"{service}.{table}"
        for service in SERVICES
        for table in ("schema_migrations", "readings")
    }


async def kept_schemas(targets: Targets) -> list[str]:
    rows = await fetch(
        targets.owner("accounts"),
        "SELECT nspname FROM pg_namespace WHERE nspname LIKE '%\\_until\\_%'",
    )
    return [row["nspname"] for row in rows]


async def test_a_restore_that_finds_no_room_for_attachments_is_undone(
    here: Targets,
    elsewhere: Targets,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def no_room(source: IO[bytes], target: IO[bytes], *_: object) -> None:
        target.write(source.read(1))
        raise OSError(errno.ENOSPC, "No space left on device")

    backup = await back_up(here, SERVICES, tmp_path / "backup")
    with monkeypatch.context() as full:
        full.setattr(tarfile, "copyfileobj", no_room)
        with pytest.raises(OSError, match="No space left"):
            await restore(
                elsewhere, SERVICES, backup, into=into(elsewhere), aside=False
            )
    # Neither the rows nor a piece of a file are in the way of the next attempt.
    assert await restore(elsewhere, SERVICES, backup, into=into(elsewhere), aside=False)
    stored = elsewhere.folder("blobs") / "ab" / "0123456789ab"
    assert stored.read_bytes() == b"proof"


async def test_a_backup_that_is_not_what_was_saved_is_refused(
    here: Targets, elsewhere: Targets, tmp_path: Path
) -> None:
    backup = await back_up(here, SERVICES, tmp_path / "backup")
    with (backup / "billing.dump").open("ab") as file:
        file.write(b"!")
    with pytest.raises(CannotOperate, match="is not what was saved"):
        await restore(elsewhere, SERVICES, backup, into=into(elsewhere), aside=False)
    with pytest.raises(CannotOperate, match="is no backup"):
        await restore(elsewhere, SERVICES, tmp_path, into=into(elsewhere), aside=False)
    with pytest.raises(CannotOperate, match=f"--into {into(elsewhere)}"):
        await restore(elsewhere, SERVICES, backup, into="", aside=False)


async def test_a_backup_of_a_newer_release_is_refused(
    here: Targets, elsewhere: Targets, tmp_path: Path
) -> None:
    backup = await back_up(here, ["notifier"], tmp_path / "backup")
    saved = manifest.read(backup)
    notifier = saved.services["notifier"].model_copy(
        update={"migrations": ["9999_from_tomorrow"]}
    )
    newer = saved.model_copy(update={"services": {"notifier": notifier}})
    manifest.write(backup, newer)
    with pytest.raises(CannotOperate, match="9999_from_tomorrow"):
        await restore(
            elsewhere, ["notifier"], backup, into=into(elsewhere), aside=False
        )


async def test_a_backup_never_takes_a_folder_that_is_there(
    here: Targets, tmp_path: Path
) -> None:
    with pytest.raises(CannotOperate, match="is there already"):
        await back_up(here, SERVICES, tmp_path)
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(CannotOperate, match="can't be made"):
        await back_up(here, SERVICES, file / "backup")


async def test_a_backup_names_what_one_that_was_cut_off_left(
    here: Targets, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    left = tmp_path / "2026-03-10T02-00-00Z.unfinished"
    left.mkdir()
    (left / "billing.dump").write_bytes(bytes(1_200_000))
    await back_up(here, SERVICES, tmp_path / "backup")
    first, *others = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{left.name}, 1.2 MB, 0:0")
    assert first.endswith(f" old: a backup that was cut off left it: delete {left}")
    assert not any("unfinished" in line for line in others), "nor its own"
    assert list(left.iterdir())


async def test_a_backup_has_its_name_once_all_of_it_would_outlast_a_power_cut(
    here: Targets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    named: list[int] = []
    fsync, rename = os.fsync, Path.rename

    def note(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").resolve())
        fsync(descriptor)

    def name(path: Path, target: Path) -> Path:
        named.append(len(synced))
        return rename(path, target)

    monkeypatch.setattr(os, "fsync", note)
    monkeypatch.setattr(Path, "rename", name)
    backup = await back_up(here, SERVICES, tmp_path / "backup")
    draft = tmp_path / "backup.unfinished"
    [before] = named
    assert set(synced[:before]) == {draft, *(draft / f.name for f in backup.iterdir())}
    assert synced[before:] == [tmp_path]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (
            PermissionError(errno.EACCES, "Permission denied", "blobs/ab/1"),
            "blobs/ab/1: Permission denied",
        ),
        (OSError("unexpected end of data"), "unexpected end of data"),
        (TimeoutError(), "TimeoutError"),
    ],
)
async def test_what_kept_a_backup_from_being_made_is_said(
    here: Targets,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: OSError,
    said: str,
) -> None:
    def fail(*_: object) -> int:
        raise fault

    monkeypatch.setattr(archive, "pack", fail)
    with pytest.raises(CannotOperate) as refused:
        await back_up(here, SERVICES, tmp_path / "backup")
    assert str(refused.value) == (
        f"{tmp_path / 'backup'} was not made, and nothing of it is left: {said}."
    )
    assert nothing_left(tmp_path)


def nothing_left(folder: Path) -> bool:
    return not list(folder.glob("backup*"))


async def test_a_backup_whose_server_goes_away_leaves_nothing_and_says_so_in_a_line(
    here: Targets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def end_all(*_: object, url: str, **__: object) -> None:
        await fetch(
            here.admin_url,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1",
            urlsplit(url).path.strip("/"),
        )

    monkeypatch.setattr(programs, "run", end_all)
    with pytest.raises(FAULTS) as ended:
        await back_up(here, SERVICES, tmp_path / "backup")
    assert str(ended.value)
    assert nothing_left(tmp_path)


async def test_a_service_that_went_back_in_time_is_heard_by_the_others_again(
    here: Targets, tmp_path: Path
) -> None:
    backup = await back_up(here, SERVICES, tmp_path / "backup")
    [ana] = await fetch(here.owner("accounts"), "SELECT id FROM accounts.customers")
    event_id = uuid7()
    await fetch(
        here.owner("billing"),
        "INSERT INTO billing.customers (id, version, name, email, language, country,"
        " currency) VALUES ($1, 7, 'Ana', 'a@example.com', 'en', 'BR', 'BRL')",
        ana["id"],
    )
    await fetch(
        here.owner("billing"),
        "INSERT INTO billing.inbox (consumer, event_id, type) VALUES"
        " ('billing', $1, 'accounts.customer.updated.v1')",
        event_id,
    )
    await restore(here, ["accounts"], backup, into=into(here), aside=True)
    [row] = await fetch(
        here.owner("accounts"), "SELECT version FROM accounts.customers"
    )
    assert row["version"] == 8
    told = await fetch(
        here.owner("accounts"),
        "SELECT version FROM accounts.outbox WHERE republished AND subject = $1",
        ana["id"],
    )
    assert [event["version"] for event in told] == [8]
    since = manifest.read(backup).taken_at
    lost = await reunion.forgotten(here, "accounts", since)
    assert lost == {"accounts.customer.updated.v1": 1}


async def test_a_service_that_went_back_gets_the_first_event_of_a_type_again(
    here: Targets, tmp_path: Path
) -> None:
    """Though its inbox tells of no such event."""
    await fetch(here.owner("accounts"), "DELETE FROM accounts.outbox")
    backup = await back_up(here, SERVICES, tmp_path / "backup")
    async with accounts(here) as stage:
        await stage.register(email="later@example.com")
    await publish(here)
    await handle_all(here, ["billing", "tickets", "notifier"])

    assert await restore(here, ["billing"], backup, into=into(here), aside=True)
    again = [row["type"] for row in await events(here) if not row["published_at"]]
    assert again == ["accounts.customer.registered.v1"]


async def test_what_was_on_its_way_at_a_backup_is_sent_again_and_what_nobody_read_not(
    here: Targets, tmp_path: Path
) -> None:
    verification = "accounts.email_verification.requested.v1"
    await publish(here)
    await begin_to_read(here, "notifier", verification, since=HOUR)
    backup = await back_up(here, SERVICES, tmp_path / "backup")

    assert await restore(here, ["billing"], backup, into=into(here), aside=True)
    again = {row["type"]: not row["published_at"] for row in await events(here)}
    assert again == {"accounts.customer.registered.v1": True, verification: False}


async def test_what_a_later_release_read_before_it_was_brought_back_is_sent_again(
    here: Targets, tmp_path: Path
) -> None:
    """The release of the backup didn't read it; the one that restores it does."""
    registered = "accounts.customer.registered.v1"
    await publish(here, ago=2 * HOUR)
    await fetch(
        here.owner("billing"),
        "DELETE FROM billing.readings WHERE type = $1",
        registered,
    )
    await handle_all(here, ["tickets", "notifier"])
    backup = await back_up(here, SERVICES, tmp_path / "backup")
    old = {event["event_id"] for event in await events(here)}
    async with accounts(here) as stage:
        await stage.register(email="later@example.com")
    await publish(here)
    await handle_all(here, ["billing", "tickets", "notifier"])

    assert await restore(here, ["billing"], backup, into=into(here), aside=True)
    found = [row for row in await events(here) if not row["published_at"]]
    assert [row["type"] for row in found] == [registered]
    assert not old & {row["event_id"] for row in found}


async def publish(targets: Targets, *, ago: timedelta = timedelta()) -> None:
    """Note that accounts' events were published, as the relay does."""
    await fetch(
        targets.owner("accounts"),
        "UPDATE accounts.outbox SET published_at = now() - $1::interval"
        " WHERE published_at IS NULL",
        ago,
    )


async def handle_all(targets: Targets, readers: Sequence[str]) -> None:
    """Note in these readers' inboxes all that accounts has emitted."""
    for event in await events(targets):
        for reader in readers:
            await handle(targets, reader, event["type"], event["event_id"])


async def events(targets: Targets) -> list[asyncpg.Record]:
    return await fetch(
        targets.owner("accounts"),
        "SELECT event_id, type, published_at FROM accounts.outbox ORDER BY seq",
    )


async def test_a_reading_of_others_that_is_not_noted_is_told_before_anything_is_touched(
    here: Targets, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    backup = await back_up(here, SERVICES, tmp_path / "backup")
    await fetch(here.owner("tickets"), "UPDATE tickets.readings SET since = NULL")
    before = await everything(here)
    capsys.readouterr()
    with pytest.raises(CannotOperate, match=r"Since when tickets reads .* `migrate`"):
        await restore(here, ["billing"], backup, into=into(here), aside=True)
    assert "nothing was restored" not in capsys.readouterr().out
    assert await everything(here) == before


async def test_a_service_is_not_restored_beside_others_that_are_not_there_yet(
    here: Targets, elsewhere: Targets, tmp_path: Path
) -> None:
    backup = await back_up(here, SERVICES, tmp_path / "backup")
    with pytest.raises(CannotOperate, match="accounts, tickets, notifier: not all are"):
        await restore(elsewhere, ["billing"], backup, into=into(elsewhere), aside=False)
