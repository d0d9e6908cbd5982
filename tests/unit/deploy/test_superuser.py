"""The superuser's password is exchanged in Postgres and in the files, or nowhere."""

from pathlib import Path

import pytest

from deploy.compose import secretfiles
from deploy.operate.__main__ import main
from deploy.operate.vault import with_password

ADMIN_URL = "database_admin_url"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The secrets of a stack in containers."""
    monkeypatch.setenv("CLIENTAREA_DATA", str(tmp_path))
    secretfiles.make(tmp_path / "secrets", {})
    return tmp_path / "secrets"


def engine(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Have this script stand where the engine's client is called."""
    client = folder.parent / "docker"
    client.write_text(f"#!/bin/sh\n{script}\n")
    client.chmod(0o700)
    monkeypatch.setenv("DOCKER", str(client))


def rotate(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr("sys.argv", ["operate", "rotate", *words])
    main()


def contents(folder: Path) -> dict[str, str]:
    return {each.name: each.read_text().strip() for each in folder.iterdir()}


def test_postgres_and_the_files_get_the_same_password(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told, asked = folder.parent / "told", folder.parent / "asked"
    engine(folder, monkeypatch, f'echo "$*" >{asked}; cat >{told}')
    before = contents(folder)
    rotate(monkeypatch, "database-password", "superuser")
    after = contents(folder)
    password = after["postgres_password"]
    assert password != before["postgres_password"]
    assert told.read_text() == f"ALTER ROLE postgres PASSWORD '{password}';\n"
    assert after[ADMIN_URL] == with_password(before[ADMIN_URL], password)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"postgres_password", ADMIN_URL}
    assert password not in asked.read_text() + capsys.readouterr().out


def test_where_postgres_is_not_told_nothing_changes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine(folder, monkeypatch, "echo it is not running >&2; exit 1")
    before = contents(folder)
    with pytest.raises(SystemExit, match="nothing has changed: it is not running"):
        rotate(monkeypatch, "database-password", "superuser")
    assert contents(folder) == before


def test_a_superuser_at_another_server_is_left_alone(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secretfiles.write(folder / ADMIN_URL, "postgres://root:x@db.example.com:5432/db")
    engine(folder, monkeypatch, f"touch {folder.parent / 'told'}")
    with pytest.raises(SystemExit, match="at its own server"):
        rotate(monkeypatch, "database-password", "superuser")
    assert not (folder.parent / "told").exists()


def test_grafana_is_told_from_the_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = contents(folder)
    rotate(monkeypatch, "grafana-password")
    after = contents(folder)
    assert {name for name in before if before[name] != after[name]} == {
        "grafana_password"
    }
    said = capsys.readouterr().out
    assert f"--password-from-stdin <{folder / 'grafana_password'}" in said
    assert after["grafana_password"] not in said
