"""What operators may set is told of, passed on, and has one default."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from pydantic import TypeAdapter

from chassis.process import Process
from chassis.settings import ProcessSettings
from deploy.processes import PROCESSES
from services.billing.settings import Settings as Billing

#: The file's variables, with what counts where one isn't set; `:?` insists that it is.
VARIABLE = re.compile(r"\$\{([A-Z_]+)(?::-([^{}]*))?")
#: Compose itself reads these, and the build's arguments are named without `${}`.
NOT_IN_THE_FILE = {
    "COMPOSE_PROFILES",
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "NPM_CONFIG_REGISTRY",
}
#: By what a process is sized and bounded; replicas are how compose gives it more.
LEFT_AS_THEY_ARE = {
    "password_threads",
    "keep_ended_days",
    "documents_at_once",
    "service_timeout_seconds",
    "service_calls_at_once",
    "page_timeout_seconds",
    "panel_timeout_seconds",
    "stream_heartbeat_seconds",
    "streams_per_user",
    "maximum_streams",
    "http_connections",
}
COMPOSE = Path("docker-compose.yml").read_text("utf-8")
SERVICES = yaml.safe_load(COMPOSE)["services"]


def test_each_variable_of_the_compose_file_is_explained_and_no_other() -> None:
    explained = re.findall(
        r"^#?([A-Z_]+)=", Path(".env.example").read_text("utf-8"), re.MULTILINE
    )
    used = {name for name, _ in VARIABLE.findall(COMPOSE)}
    assert set(explained) == used | NOT_IN_THE_FILE
    assert len(explained) == len(set(explained))


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
def test_each_setting_of_a_process_is_passed_on_to_it(process: Process) -> None:
    own = set(process.settings.model_fields) - set(ProcessSettings.model_fields)
    assert own - _passed(process.name).keys() - LEFT_AS_THEY_ARE == set()


@pytest.mark.parametrize("process", PROCESSES, ids=lambda process: process.name)
def test_the_compose_files_defaults_are_the_settings_own(process: Process) -> None:
    defaults = process.settings.model_fields
    told = {
        name: variable[2]
        for name, value in _passed(process.name).items()
        if (variable := VARIABLE.match(str(value))) and variable[2]
        # Until there is a proxy in front, whoever is connected is served on.
        if name not in {"drain_seconds", "public_url", "portal_url"}
    }
    assert len(told) > 4
    for name, text in told.items():
        default = TypeAdapter(defaults[name].rebuild_annotation()).validate_python(text)
        assert (name, default) == (name, defaults[name].default)


def test_json_that_is_not_set_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COMPANY_NAME", "COMPANY_ADDRESS", "COMPANY_TAX_ID"):
        monkeypatch.setenv(name, "Example")
    monkeypatch.setenv("BANK_INSTRUCTIONS", "Example Bank")
    monkeypatch.setenv("CREDIT_LIMITS", "")
    # Of the environment, which the type checker doesn't see.
    assert Billing().credit_limits == {}  # pyright: ignore[reportCallIssue]


def _passed(service: str) -> Mapping[str, object]:
    told = SERVICES[service]
    secrets = [
        secret if isinstance(secret, str) else secret["target"]
        for secret in told["secrets"]
    ]
    return {
        **{name.lower(): value for name, value in told["environment"].items()},
        **dict.fromkeys(secrets),
    }
