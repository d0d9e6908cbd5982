"""Alerts fire when they should, and reach somebody: Prometheus' own tools say so."""

from pathlib import Path

import pytest
import yaml

from deploy.compose.alerting import filled_in, mail_server
from deploy.local.faults import CannotStart
from deploy.local.prometheus import AMTOOL, PROMTOOL
from tests.unit.observability.queries import FOLDER, RULES, alerts
from tests.unit.observability.tools import complaints, tool

SCENES = Path(__file__).with_name("alerts.yaml")


def test_alerts_fire_when_they_should_and_only_then() -> None:
    assert complaints(PROMTOOL, "test", "rules", SCENES) == ""


def test_every_alert_fires_in_some_scene() -> None:
    scenes = yaml.safe_load(SCENES.read_text("utf-8"))["tests"]
    fired = {
        test["alertname"]
        for scene in scenes
        for test in scene["alert_rule_test"]
        if test["exp_alerts"]
    }
    assert {rule["alert"] for rule in alerts()} - fired == set()


def test_prometheus_can_read_its_configuration_and_rules() -> None:
    assert complaints(PROMTOOL, "check", "config", FOLDER / "prometheus.yml") == ""
    assert complaints(PROMTOOL, "check", "rules", *RULES) == ""


def test_alertmanager_can_read_what_is_written_for_it(tmp_path: Path) -> None:
    people = {"MAIL_FROM": "hello@example.com", "ALERTS_TO": "ops@example.com"}
    written = tmp_path / "alertmanager.yml"
    for url in ("smtp://mailpit:1025", "smtp+starttls://u:p%22@mail.example.com:587"):
        values = {**mail_server(url), **people}
        template = (FOLDER / "alertmanager.yml").read_text("utf-8")
        written.write_text(filled_in(template, values), "utf-8")
        assert complaints(AMTOOL, "check-config", written) == ""


def test_mails_of_alerts_name_the_runbook() -> None:
    config = yaml.safe_load((FOLDER / "alertmanager.yml").read_text("utf-8"))
    [mails] = [
        mail for receiver in config["receivers"] for mail in receiver["email_configs"]
    ]
    assert "{{ .Annotations.runbook }}" in mails["text"]


def test_the_scenes_see_a_rule_that_never_fires(tmp_path: Path) -> None:
    rules = "".join(path.read_text("utf-8").partition("groups:\n")[2] for path in RULES)
    (tmp_path / "rules.yml").write_text("groups:\n" + rules.replace("> 0", "> 1e9"))
    scenes = yaml.safe_load(SCENES.read_text("utf-8"))
    scenes["rule_files"] = [str(tmp_path / "rules.yml")]
    changed = tmp_path / "scenes.yml"
    changed.write_text(yaml.safe_dump(scenes))
    assert "FAILED" in complaints(PROMTOOL, "test", "rules", changed)


def test_without_the_tools_a_person_reads_what_to_install_and_ci_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="install the package prometheus"):
        tool(AMTOOL)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(CannotStart, match="install the package prometheus"):
        tool(AMTOOL)
