"""Backups and restores on real servers: nothing changes, nothing is overwritten."""

import errno
import tarfile
from pathlib import Path
from typing import IO

import asyncpg
import pytest

from chassis.ids import uuid7
from chassis.schema import dump_schema
from deploy.operate import manifest, reunion
from deploy.operate.backup import back_up
from deploy.operate.faults import CannotOperate
from deploy.operate.restore import restore
from deploy.operate.targets import SERVICES, Targets
from deploy.postgres.bootstrap import AUDITOR
from tests.integration.deploy.installations import (
    accounts,
    everything,
    fetch,
    into,
    put,
)

ROOT = Path(__file__).parents[3]


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
    [kept] = await fetch(
        here.owner("accounts"),
        "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'accounts_until_%'",
    )
    rows = await fetch(
        here.owner("accounts"),
        f"SELECT email FROM {kept['nspname']}.users",  # noqa: S608 - our own
    )
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
    assert after.keys() == before.keys()
    # Those that nobody had used yet are migrated anew.
    assert {table for table in after if after[table] != before[table]} <= {
        f"{service}.schema_migrations" for service in SERVICES
    }


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
