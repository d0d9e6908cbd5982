"""Alertmanager is told of the mail server that all mails go through, or not started."""

from pathlib import Path

import pytest
import yaml

from deploy.compose import alerting
from deploy.compose.alerting import filled_in, mail_server
from deploy.compose.faults import CannotGoOn

OURS = Path("deploy/observability/alertmanager.yml")
PEOPLE = {"MAIL_FROM": 'Horizonte "H" <h@example.com>', "ALERTS_TO": "ops@example.com"}


@pytest.mark.parametrize(
    ("url", "server", "user", "password", "starttls"),
    [
        ("smtp://mailpit:1025", "mailpit:1025", "", "", False),
        ("smtp://mail.example.com", "mail.example.com:25", "", "", False),
        ("smtp://u:p@mail.example.com", "mail.example.com:25", "u", "p", True),
        ("smtp+starttls://u:p%40@m.example", "m.example:587", "u", "p@", True),
        ("smtps://u%2F:p@m.example", "m.example:465", "u/", "p", False),
    ],
)
def test_the_mail_server_is_the_one_that_all_mails_go_through(
    url: str, server: str, user: str, password: str, *, starttls: bool
) -> None:
    written = yaml.safe_load(
        filled_in(OURS.read_text("utf-8"), {**mail_server(url), **PEOPLE})
    )
    assert written["global"] == {
        "smtp_smarthost": server,
        "smtp_auth_username": user,
        "smtp_auth_password": password,
        "smtp_require_tls": starttls,
        "smtp_from": PEOPLE["MAIL_FROM"],
    }
    [receiver] = written["receivers"]
    assert receiver["email_configs"][0]["to"] == PEOPLE["ALERTS_TO"]


@pytest.mark.parametrize(
    "url", ["mail.example.com:25", "http://m.example", "smtp://m:x", "smtps://m:2465"]
)
def test_an_address_that_alertmanager_cannot_use_is_refused(url: str) -> None:
    with pytest.raises(CannotGoOn, match=r"^SMTP_URL: "):
        mail_server(url)


def test_a_name_with_accents_costs_no_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerting, "TEMPLATE", OURS)
    monkeypatch.setattr(alerting, "WRITTEN", tmp_path / "alertmanager.yml")
    monkeypatch.setenv("SMTP_URL", "smtp://mailpit:1025")
    monkeypatch.setenv("MAIL_FROM", "São Paulo Hosting <hello@example.com>")
    monkeypatch.setenv("ALERTS_TO", "ops@example.com")
    alerting.main()
    written = yaml.safe_load(alerting.WRITTEN.read_text("utf-8"))
    assert written["global"]["smtp_from"] == "hello@example.com"


def test_without_anybody_to_tell_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerting, "TEMPLATE", OURS)
    monkeypatch.setattr(alerting, "WRITTEN", tmp_path / "alertmanager.yml")
    monkeypatch.setenv("SMTP_URL", "smtp://mailpit:1025")
    monkeypatch.setenv("MAIL_FROM", "h@example.com")
    monkeypatch.setenv("ALERTS_TO", "")
    with pytest.raises(CannotGoOn, match=r"^ALERTS_TO: "):
        alerting.main()
    assert not alerting.WRITTEN.exists()


def test_a_file_of_ones_own_needs_no_mail_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "own.yml"
    own.write_text("route: {receiver: pager}\n", "utf-8")
    monkeypatch.setattr(alerting, "TEMPLATE", own)
    monkeypatch.setattr(alerting, "WRITTEN", tmp_path / "alertmanager.yml")
    monkeypatch.delenv("SMTP_URL", raising=False)
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path))
    alerting.main()
    assert alerting.WRITTEN.read_text("utf-8") == own.read_text("utf-8")
