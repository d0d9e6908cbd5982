"""The secrets of containers: made once, each strong, and for nobody else's eyes."""

import json
import stat
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml

from chassis.addresses import is_weak
from chassis.settings import load_settings
from deploy.compose.secretfiles import definitions, folder, make
from deploy.local.datafolder import PROJECT
from services.accounts.settings import Settings


def test_the_compose_file_finds_every_secret(tmp_path: Path) -> None:
    make(tmp_path, {})
    compose = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
    wanted = {each["file"].rpartition("/")[2] for each in compose["secrets"].values()}
    assert wanted == {path.name for path in tmp_path.iterdir()}


def test_they_lie_where_the_compose_file_is_told_to_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CLIENTAREA_DATA", raising=False)
    assert folder() == Path("secrets")
    (tmp_path / ".env").write_text('CLIENTAREA_DATA="/srv/clientarea"  # elsewhere\n')
    assert folder() == Path("/srv/clientarea/secrets")
    monkeypatch.setenv("CLIENTAREA_DATA", "/srv/another")
    assert folder() == Path("/srv/another/secrets")


def test_what_is_there_stays(tmp_path: Path) -> None:
    make(tmp_path, {})
    (tmp_path / "link_key").unlink()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert make(tmp_path, {}) == ["link_key"]
    after = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert {name: after[name] for name in before} == before


def test_only_the_owner_enters_and_the_containers_read(tmp_path: Path) -> None:
    made = tmp_path / "secrets"
    make(made, {})
    assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in made.iterdir()} == {0o444}


def test_no_password_can_be_guessed_and_none_is_used_twice(tmp_path: Path) -> None:
    make(tmp_path, {})
    urls = [path.read_text().strip() for path in tmp_path.glob("*_url")]
    passwords = [unquote(urlsplit(url).password or "") for url in urls]
    strong = [each for each in passwords if each]
    assert not any(map(is_weak, strong))
    assert len(set(strong)) == len(strong) == len(urls) - 1  # the mailbox has none


def test_the_processes_take_what_was_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, {})
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))
    settings = load_settings(Settings)
    assert settings.key.is_private
    assert settings.link_key.get_secret_value()


def test_a_mail_server_that_is_named_is_kept(tmp_path: Path) -> None:
    make(tmp_path, {"SMTP_URL": "smtps://a:b@mail.example.com"})
    assert (tmp_path / "smtp_url").read_text() == "smtps://a:b@mail.example.com\n"


def test_a_process_may_do_no_more_at_the_broker_than_it_needs() -> None:
    users = ("billing", "gateway", "operator")
    told = json.loads(definitions(f"amqp://{each}:secret@broker/" for each in users))
    may = {each["user"]: each for each in told["permissions"]}
    assert may["billing"]["configure"] == "^$"
    assert may["billing"]["read"] == r"^billing(\..*)?$"
    assert {each["name"]: each["tags"] for each in told["users"]} == {
        "billing": [],
        "gateway": [],
        "operator": ["administrator"],
    }
    assert "secret" not in [each["password_hash"] for each in told["users"]]
