"""Operators' chores that need no server: secrets exchanged, programs found."""

import errno
import json
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from chassis.migrations import CannotMigrate
from deploy.compose import secretfiles
from deploy.local.datafolder import DataFolder
from deploy.local.faults import CannotStart
from deploy.local.keys import FILE, Keys
from deploy.operate import manifest, programs, rotation
from deploy.operate.__main__ import main
from deploy.operate.faults import CannotOperate
from deploy.operate.manifest import File, SavedService
from deploy.operate.targets import place
from deploy.operate.vault import KeysFile, SecretFiles, Vault, open_vault
from services.accounts.settings import Settings

ROLES = ("billing", "billing_owner", "auditor")
SAVED = SavedService(
    migrations=[],
    rows={},
    server_version=17,
    snapshot="1",
    taken_at=datetime(2026, 3, 10, 2, tzinfo=UTC),
)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SecretFiles:
    """The secrets of a stack in containers."""
    monkeypatch.setenv("CLIENTAREA_DATA", str(tmp_path))
    secretfiles.make(tmp_path / "secrets", {})
    vault = open_vault()
    assert isinstance(vault, SecretFiles)
    return vault


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> KeysFile:
    """The secrets of a `make run`."""
    monkeypatch.setenv("CLIENTAREA_DATA", str(tmp_path))
    data = DataFolder(tmp_path)
    data.make()
    Keys.of(data, roles=ROLES, people=())
    vault = open_vault()
    assert isinstance(vault, KeysFile)
    return vault


def told(vault: Vault) -> Settings:
    """Return accounts' settings as the vault has them."""
    names = (
        "signing_key",
        "signing_keys_accepted",
        "link_key",
        "link_keys_accepted",
    )
    return Settings.model_validate(
        {name: SecretStr(vault.read(name)) for name in names}
    )


@pytest.mark.parametrize("kind", ["files", "keys"])
def test_the_signing_key_changes_in_three_steps(
    kind: str, request: pytest.FixtureRequest
) -> None:
    vault: Vault = request.getfixturevalue(kind)
    old = told(vault).key.kid
    rotation.prepare_signing_key(vault)
    prepared = told(vault)
    assert prepared.key.kid == old
    [new] = [key.kid for key in prepared.accepted_keys]
    with pytest.raises(CannotOperate, match="is under way"):
        rotation.prepare_signing_key(vault)
    rotation.switch_signing_key(vault)
    switched = told(vault)
    assert switched.key.kid == new
    assert [key.kid for key in switched.accepted_keys] == [old]
    rotation.retire_signing_key(vault)
    assert told(vault).key.kid == new
    assert told(vault).accepted_keys == ()
    with pytest.raises(CannotOperate, match="begin with `prepare`"):
        rotation.switch_signing_key(vault)


@pytest.mark.parametrize("kind", ["files", "keys"])
def test_the_signing_key_that_was_left_can_sign_again(
    kind: str, request: pytest.FixtureRequest
) -> None:
    vault: Vault = request.getfixturevalue(kind)
    old = told(vault).key.kid
    rotation.prepare_signing_key(vault)
    rotation.switch_signing_key(vault)
    new = told(vault).key.kid
    rotation.switch_signing_key_back(vault)
    assert told(vault).key.kid == old
    assert [key.kid for key in told(vault).accepted_keys] == [new]


@pytest.mark.parametrize("done", [0, 1, 2, 3])
@pytest.mark.parametrize(
    ("secret", "step"),
    [(secret, step) for secret, steps in rotation.STEPS.items() for step in steps],
)
def test_a_step_that_is_cut_off_can_be_repeated(
    keys: KeysFile,
    monkeypatch: pytest.MonkeyPatch,
    secret: str,
    step: str,
    done: int,
) -> None:
    """It ends as if it had never been cut off, and every key of before still counts."""
    if step in ("switch", "back") and secret == "signing-key":
        rotation.prepare_signing_key(keys)
    before = told(keys)
    write, left = keys.write, done

    def cut(name: str, text: str) -> None:
        nonlocal left
        if not left:
            raise KeyboardInterrupt
        left -= 1
        write(name, text)

    do = rotation.STEPS[secret][step]
    with monkeypatch.context() as cutting:
        cutting.setattr(keys, "write", cut)
        with suppress(KeyboardInterrupt):
            do(keys)
    between = told(keys)
    if step != "retire":
        assert known(before) <= known(between)
    with suppress(CannotOperate):  # `prepare` says so when it had been done
        do(keys)
    after = told(keys)
    if step != "retire":
        assert known(before) <= known(after)
    wanted = {"prepare": 1, "switch": 1, "back": 1, "retire": 0}[step]
    if secret == "signing-key":
        assert len(after.accepted_keys) == wanted
        assert (after.key.kid != before.key.kid) == (step == "switch")
    else:
        assert (after.link_keys[0] != before.link_keys[0]) == (step == "switch")


def known(settings: Settings) -> set[object]:
    """Return everything that what was signed may be accepted by."""
    keys = (settings.key, *settings.accepted_keys)
    return {*(key.kid for key in keys), *settings.link_keys}


@pytest.mark.parametrize("kind", ["files", "keys"])
def test_links_of_every_former_key_are_read_until_it_is_retired(
    kind: str, request: pytest.FixtureRequest
) -> None:
    vault: Vault = request.getfixturevalue(kind)
    seen = [told(vault).link_keys]
    for _ in range(2):
        rotation.switch_link_key(vault)
        seen.append(told(vault).link_keys)
    assert [len(each) for each in seen] == [1, 2, 3]
    assert set(seen[0]) < set(seen[1]) < set(seen[2])
    rotation.retire_link_key(vault)
    assert told(vault).link_keys == seen[2][:1]


def test_a_database_password_changes_for_both_roles_and_nobody_else(
    files: SecretFiles,
) -> None:
    before = {name: files.read(name) for name in secretfiles.database_files()}
    rotation.change_database_passwords(files, "billing")
    after = {name: files.read(name) for name in secretfiles.database_files()}
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"billing_database_url", "billing_owner_database_url"}
    assert {place(after[name]) for name in changed} == {"postgres:5432/clientarea"}


@pytest.mark.parametrize(
    ("role", "name"), [("auditor", "audit_url"), ("observer", "observer_url")]
)
def test_who_only_looks_gets_a_password_as_well(
    files: SecretFiles, role: str, name: str
) -> None:
    before = {name: files.read(name) for name in secretfiles.database_files()}
    rotation.change_database_passwords(files, role)
    after = {name: files.read(name) for name in secretfiles.database_files()}
    assert {name for name in before if before[name] != after[name]} == {name}


def test_a_database_password_of_make_run_is_its_roles(
    keys: KeysFile, tmp_path: Path
) -> None:
    before = Keys.model_validate_json((tmp_path / FILE).read_bytes())
    rotation.change_database_passwords(keys, "auditor")
    after = Keys.model_validate_json((tmp_path / FILE).read_bytes())
    assert after.roles["auditor"] != before.roles["auditor"]
    assert after.roles["billing"] == before.roles["billing"]


def test_a_key_that_can_not_be_written_stays_as_it_was_and_is_one_line(
    keys: KeysFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    before = sorted((path.name, path.read_bytes()) for path in tmp_path.iterdir())
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CannotStart) as refused:
        rotation.switch_link_key(keys)
    assert str(refused.value) == (
        f"{tmp_path / FILE} can't be written: No space left on device."
    )
    after = sorted((path.name, path.read_bytes()) for path in tmp_path.iterdir())
    assert after == before


@pytest.mark.parametrize("process", ["billing", "gateway", "operator"])
def test_a_broker_password_changes_where_the_broker_reads_it_too(
    files: SecretFiles, process: str
) -> None:
    before: Any = json.loads(files.read(secretfiles.DEFINITIONS))
    rotation.change_broker_password(files, process)
    after: Any = json.loads(files.read(secretfiles.DEFINITIONS))
    names = [user["name"] for user in after["users"]]
    assert names == [user["name"] for user in before["users"]]
    assert process in names
    assert after["permissions"] == before["permissions"]


def test_a_password_is_told_by_the_environment_alone() -> None:
    url = "postgres://billing:a%40b@db:5433/area?sslmode=require"
    told = programs.connection_environment(url)
    assert told["PGPASSWORD"] == "a@b"
    assert (told["PGHOST"], told["PGPORT"]) == ("db", "5433")
    assert (told["PGUSER"], told["PGDATABASE"]) == ("billing", "area")
    assert told["PGSSLMODE"] == "require"


def test_what_a_url_says_and_nobody_knows_is_refused() -> None:
    with pytest.raises(CannotOperate, match="passfile="):
        programs.connection_environment("postgres://a:b@c/d?passfile=/etc/x")


def test_a_server_that_is_too_new_is_said_with_what_to_install() -> None:
    with pytest.raises(CannotOperate, match="install postgresql-client-99"):
        programs.program("pg_dump", 99)


def test_nothing_to_go_by_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLIENTAREA_DATA", str(tmp_path / "nothing"))
    with pytest.raises(CannotOperate, match="CLIENTAREA_DATA"):
        open_vault()


def test_a_backup_that_may_not_outlast_a_power_cut_is_said_to_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def save(*_: object) -> tuple[dict[str, SavedService], list[File]]:
        return {"billing": SAVED}, []

    def fail(descriptor: int) -> None:
        if Path(f"/proc/self/fd/{descriptor}").resolve() == tmp_path:
            raise OSError(errno.EIO, "Input/output error")

    backup = tmp_path / "backup"
    monkeypatch.setenv("AUDIT_URL", "postgres://nobody:hunter22@127.0.0.1:1/none")
    monkeypatch.setattr("deploy.operate.backup._save", save)
    monkeypatch.setattr(os, "fsync", fail)
    monkeypatch.setattr("sys.argv", ["operate", "backup", str(backup)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == (  # a text: the exit code is 1
        f"{backup} is there, but whether it is on the disk is not known:"
        " Input/output error."
    )
    assert list(tmp_path.iterdir()) == [backup]
    assert manifest.read(backup).services == {"billing": SAVED}


def test_a_restore_that_cannot_migrate_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def restore(*_: object, **__: object) -> bool:
        raise CannotMigrate("0009_new failed, nothing of it stays")

    monkeypatch.setenv("AUDIT_URL", "postgres://nobody:hunter22@127.0.0.1:1/none")
    monkeypatch.setattr("deploy.operate.__main__.restore", restore)
    monkeypatch.setattr("sys.argv", ["operate", "restore", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == "0009_new failed, nothing of it stays"
