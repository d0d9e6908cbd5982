"""What operators type, and what their environment says: refused by name, in a line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy import audit
from deploy.local.datafolder import MARK
from deploy.operate import projections
from deploy.operate.__main__ import main, parser
from deploy.operate.faults import CannotOperate
from deploy.operate.targets import SERVICES, Targets

NOWHERE = Targets(
    owners={},
    auditors={},
    amqp_url="",
    admin_url="",
    processes={},
    blobs=None,
    backups=None,
)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["backup"], "127.0.0.1:1/none can't be reached"),
        (["restore", "nowhere"], "nowhere is no backup: it has no manifest.json."),
        (["due"], "can't be reached right now; try again shortly ([Errno 111] "),
        (["letters", "list"], "The broker at 127.0.0.1:1"),
        (["rotate", "link-key", "switch"], "name the right one in CLIENTAREA_DATA"),
    ],
)
def test_what_keeps_a_chore_from_being_done_is_one_line(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AUDIT_URL", "postgres://nobody:hunter22@127.0.0.1:1/none")
    monkeypatch.setenv("AMQP_URL", "amqp://nobody:hunter22@127.0.0.1:1/")
    monkeypatch.setenv("BACKUPS_DIR", str(tmp_path))
    monkeypatch.setenv("CLIENTAREA_DATA", str(tmp_path / "nothing"))
    monkeypatch.setattr("sys.argv", ["operate", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    line = str(ended.value.code)
    assert said in line
    assert "\n" not in line
    assert "hunter22" not in line
    assert list(tmp_path.iterdir()) == [], "nothing is left half-done"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["due", "--lead-days", "-1"], "--lead-days: a number of days, 0 to 3650"),
        (["due", "--lead-days", "9" * 14], "--lead-days: a number of days, 0 to 3650"),
        (["due", "--on", "9999-12-31"], "--on: a day such as 2026-03-20, 2000 to 2199"),
        (["due", "--on", "x"], "--on: a day such as 2026-03-20, 2000 to 2199"),
        (["resend", "--older-than", "nan"], "--older-than: a number of seconds, 0 to"),
        (["resend", "--older-than", "1e30"], "--older-than: a number of seconds, 0 to"),
        (["audit", "nan"], "seconds: a number of seconds, 0 to"),
        (["audit", "-5"], "seconds: a number of seconds, 0 to"),
        (["rebuild", "billing", "--seconds", "-1"], "--seconds: a number of seconds"),
        (["audit", "1_0"], "seconds: a number of seconds, 0 to"),
        (["audit", ""], "seconds: a number of seconds, 0 to"),
        (["due", "--lead-days", "1_0"], "--lead-days: a number of days, 0 to 3650"),
        (["due", "--on", "20260320"], "--on: a day such as 2026-03-20, 2000 to 2199"),
        (["backup", ""], "folder: a folder's name, without control characters"),
        (["backup", " "], "folder: a folder's name, without control characters"),
        (["backup", "a\nb"], "folder: a folder's name, without control characters"),
        (["backup", "a\udcffb"], "folder: a folder's name, without control characters"),
        (["restore", ""], "folder: a folder's name, without control characters"),
        (
            ["letters", "list", "--limit", "0"],
            "--limit: a number of dead letters, 1 to",
        ),
        (["letters", "list", "--all"], "unrecognized arguments: --all"),
        (["letters", "show"], "required: id"),
        (["letters", "show", "--all"], "required: id"),
        (["letters", "replay"], "one of the arguments id --all is required"),
        (["letters", "replay", "one", "--all"], "--all: not allowed with argument id"),
        (["letters", "drop", "one"], "required: --because"),
        (["letters", "drop", "one", "--because", " "], "--because: a text in one line"),
        (["letters", "list", "--service", ""], "--service: invalid choice: ''"),
    ],
)
def test_what_can_not_be_meant_is_refused_with_what_can(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(arguments)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("reader", "objects", "said"),
    [
        ("billing", "nope", "copies of customers, tickets, not of 'nope'."),
        ("billing", "", "copies of customers, tickets, not of ''."),
        ("accounts", None, "accounts keeps copies of nothing."),
    ],
)
async def test_what_nobody_keeps_a_copy_of_is_refused_by_name(
    reader: str, objects: str | None, said: str
) -> None:
    with pytest.raises(CannotOperate) as refused:
        await projections.rebuild(NOWHERE, reader, objects, wait_seconds=0)
    assert str(refused.value).endswith(said)


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ([], SERVICES),
        (["billing", "billing"], ("billing",)),
        (["tickets", "accounts"], ("accounts", "tickets")),
    ],
)
async def test_a_service_that_is_named_twice_is_one(
    chosen: list[str],
    expected: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    saved: list[object] = []

    async def back_up(_: object, services: object, __: object) -> None:
        saved.append(services)

    monkeypatch.setattr("deploy.operate.__main__.back_up", back_up)
    options = [word for name in chosen for word in ("--service", name)]
    told = parser().parse_args(["backup", str(tmp_path), *options])
    await told.command(NOWHERE, told)
    assert saved == [expected]


@pytest.mark.parametrize(
    ("name", "told", "said"),
    [
        ("AUDIT_URL", "hunter22", "AUDIT_URL must be like postgres://"),
        ("AUDIT_URL", "postgres://a:hunter22@h:x/d", "AUDIT_URL must be like"),
        ("AUDIT_URL", "postgres://a:hunter22@[h/d", "AUDIT_URL must be like"),
        ("AMQP_URL", "amqp:hunter22", "AMQP_URL must be like amqp://"),
        ("BILLING_URL", "http://[hunter22", "BILLING_URL must be like https://host"),
        ("OBSERVE_PORT", "hunter22", "OBSERVE_PORT must be a port's number, 0 to"),
        ("OBSERVE_PORT", "65536", "OBSERVE_PORT must be a port's number, 0 to"),
        ("SECRETS_DIR", "/nowhere", "SECRETS_DIR: there is no folder '/nowhere'"),
    ],
)
def test_an_environment_that_makes_no_sense_is_one_line_that_names_the_variable(
    name: str, told: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDIT_URL", "postgres://nobody:x@127.0.0.1:1/none")
    monkeypatch.setenv(name, told)
    monkeypatch.setattr("sys.argv", ["operate", "due"])
    with pytest.raises(SystemExit) as ended:
        main()
    line = str(ended.value.code)
    assert line.startswith(said)
    assert "\n" not in line
    assert "hunter22" not in line


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"\xff", "is no text."), (None, "audit_url: Is a directory.")],
)
def test_a_secret_that_can_not_be_read_is_one_line(
    content: bytes | None,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "audit_url"
    path.mkdir() if content is None else path.write_bytes(content)
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["operate", "due"])
    with pytest.raises(SystemExit) as ended:
        main()
    line = str(ended.value.code)
    assert line.startswith("SECRETS_DIR: ")
    assert line.endswith(said)


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("addresses.json", ["due"]),
        ("addresses.json", ["on", "billing", "audit"]),
        ("keys.json", ["rotate", "link-key", "retire"]),
    ],
)
def test_a_data_folder_with_something_else_in_it_is_one_line_without_quoting_it(
    name: str, typed: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / MARK).touch()
    (tmp_path / name).write_text('{"signing_key": ["hunter22"]', "utf-8")
    monkeypatch.setenv("CLIENTAREA_DATA", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["operate", *typed])
    with pytest.raises(SystemExit) as ended:
        main()
    line = str(ended.value.code)
    assert line.startswith(f"{tmp_path / name} is not what was written there: ")
    assert "\n" not in line
    assert "hunter22" not in line


def test_a_broker_that_is_away_is_one_line_of_all_that_is_written(
    tmp_path: Path,
) -> None:
    """Also of what libraries log, and of exceptions that nobody asked for."""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-m", "deploy.operate", "letters", "list"],
        capture_output=True,
        check=False,
        text=True,
        timeout=60,
        env={
            **os.environ,
            "AUDIT_URL": "postgres://nobody:x@127.0.0.1:1/none",
            "AMQP_URL": "amqp://nobody:hunter22@127.0.0.1:1/",
            "CLIENTAREA_DATA": str(tmp_path),
        },
    )
    assert done.returncode == 1
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    assert line.startswith("The broker at 127.0.0.1:1 can't be used: ")
    assert "hunter22" not in line


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["nan"], "seconds: a number of seconds, 0 to 31622400, not 'nan'"),
        (["inf"], "seconds: a number of seconds, 0 to 31622400, not 'inf'"),
        (["-5"], "seconds: a number of seconds, 0 to 31622400, not '-5'"),
        (["1e30"], "seconds: a number of seconds, 0 to 31622400, not '1e30'"),
        ([""], "seconds: a number of seconds, 0 to 31622400, not ''"),
        (["1", "2"], "unrecognized arguments: 2"),
    ],
)
def test_the_audit_refuses_a_wait_that_never_ends_or_is_none(
    typed: list[str],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.argv", ["audit", *typed])
    with pytest.raises(SystemExit) as ended:
        audit.main()
    assert ended.value.code == 2
    assert said in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "set AUDIT_URL, or each of ACCOUNTS_AUDIT_URL, "),
        ("hunter22", "AUDIT_URL must be like postgres://user:password@host/db"),
        ("postgres://a:hunter22@127.0.0.1:1/x", "The database can't be reached "),
    ],
)
def test_the_audit_says_in_one_line_which_database_it_needs(
    url: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDIT_URL", url)
    monkeypatch.setattr("sys.argv", ["audit", "0"])
    with pytest.raises(SystemExit) as ended:
        audit.main()
    line = str(ended.value.code)
    assert line.startswith(said)
    assert "\n" not in line
    assert "hunter22" not in line
