"""Nonsense in any setting ends a process at once, with one line that names it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chassis.addresses import server_of
from chassis.running import opened
from chassis.settings import ProcessSettings, SettingsWrong, load_settings
from gateway.app import PROCESS as GATEWAY
from services.accounts.app import PROCESS as ACCOUNTS
from services.billing.app import PROCESS as BILLING
from services.notifier.app import PROCESS as NOTIFIER
from services.tickets.app import PROCESS as TICKETS

PROCESSES = (ACCOUNTS, BILLING, TICKETS, NOTIFIER, GATEWAY)
SECRET = "xSecretx"
HUGE = "9" * 30
#: What is anybody's choice: any text will do.
WORDS = {
    "company_name",
    "company_address",
    "company_tax_id",
    "bank_instructions",
    "token_issuer",
    "staff_task_department",
}
NEEDED = {
    "COMPANY_NAME": "Example",
    "COMPANY_ADDRESS": "1 Example Street",
    "COMPANY_TAX_ID": "1",
    "BANK_INSTRUCTIONS": "Example Bank",
    "PUBLIC_URL": "https://client.example.com",
    **{f"{process.name.upper()}_URL": "http://127.0.0.1:1" for process in PROCESSES},
}


@pytest.fixture(autouse=True)
def _needed(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)


def _fields() -> Iterator[tuple[type[ProcessSettings], str, str]]:
    for process in PROCESSES:
        for name, field in process.settings.model_fields.items():
            default: object = field.get_default(call_default_factory=True)
            kind = (
                "number"
                if isinstance(default, int | float) and not isinstance(default, bool)
                else "other"
            )
            yield process.settings, name, kind


NUMBERS = [
    pytest.param(settings, name, value, id=f"{settings.__module__}-{name}-{value}")
    for settings, name, kind in _fields()
    if kind == "number"
    for value in ("nonsense", "-1", "nan", "inf", "-inf", HUGE, "1e400", "")
]
OTHERS = [
    pytest.param(settings, name, id=f"{settings.__module__}-{name}")
    for settings, name, kind in _fields()
    if kind == "other" and name not in {*WORDS, "blobs_dir"}
]
ADDRESSES = [
    pytest.param(settings, name, id=f"{settings.__module__}-{name}")
    for settings, name, _ in _fields()
    if name.endswith("_url")
]


def _refusal(settings: type[ProcessSettings]) -> str:
    with pytest.raises(SettingsWrong) as refused:
        load_settings(settings)
    line = str(refused.value)
    assert "\n" not in line
    return line


@pytest.mark.parametrize(("settings", "name", "value"), NUMBERS)
def test_a_number_has_limits_and_their_line_names_it(
    monkeypatch: pytest.MonkeyPatch,
    settings: type[ProcessSettings],
    name: str,
    value: str,
) -> None:
    monkeypatch.setenv(name.upper(), value)
    line = _refusal(settings)
    assert line.startswith(f"{name.upper()}: ")
    assert "; " not in line


@pytest.mark.parametrize(("settings", "name"), OTHERS)
def test_nonsense_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, settings: type[ProcessSettings], name: str
) -> None:
    monkeypatch.setenv(name.upper(), "?? \n (nonsense")
    assert _refusal(settings).startswith(f"{name.upper()}: ")


@pytest.mark.parametrize(
    "address",
    [
        "{scheme}:{secret}@127.0.0.1:1/db",
        "{scheme}:///db?password={secret}",
        "{scheme}://user:1/{secret}@host/db",
        "{scheme}://localhost:1#{secret}@host/db",
        "{scheme}://:{secret}@/db",
        "{scheme}://user:{secret}@ho\nst/db",
        "{scheme}://user:{secret}@[::1/db",
        "{secret}",
    ],
)
@pytest.mark.parametrize(("settings", "name"), ADDRESSES)
def test_an_address_without_a_host_is_refused_and_its_password_not_shown(
    monkeypatch: pytest.MonkeyPatch,
    settings: type[ProcessSettings],
    name: str,
    address: str,
) -> None:
    schemes = {"amqp_url": "amqp", "smtp_url": "smtp"}
    default = "postgres" if "database" in name else "https"
    value = address.format(scheme=schemes.get(name, default), secret=SECRET)
    monkeypatch.setenv(name.upper(), value)
    line = _refusal(settings)
    assert line.startswith(f"{name.upper()}: ")
    assert SECRET not in line + server_of(value)


def test_an_address_is_named_without_its_secrets() -> None:
    url = f"postgres://user:{SECRET}@db:5432/clientarea?sslpassword={SECRET}"
    assert server_of(url) == "db:5432/clientarea"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("COMPANY_TIME_ZONE", "Mars/Base"),
        ("COMPANY_TIME_ZONE", ""),
        ("COMPANY_TIME_ZONE", "../UTC"),
        ("PARTS", ""),
        ("PARTS", " , "),
        ("HTTP_HOST", "999.1.1.1"),
        ("HTTP_HOST", ""),
        ("TOKEN_ISSUER", " "),
        ("SECRETS_DIR", "/dev/null/nowhere"),
        ("JWKS_URL", f"https://user:{SECRET}@host"),
    ],
)
def test_what_could_only_fail_later_is_refused_at_once(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert _refusal(ProcessSettings).startswith(f"{name}: ")


def test_events_kept_longer_than_their_readers_remember_name_both(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KEEP_OUTBOX_DAYS", "100")
    line = _refusal(ProcessSettings)
    assert line == (
        "KEEP_INBOX_DAYS: is 90, and must be no less than KEEP_OUTBOX_DAYS, which is"
        " 100"
    )


def test_limits_of_credit_fit_their_currency(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDIT_LIMITS", '{"JPY": {"minimum": "1.50"}}')
    assert _refusal(BILLING.settings).startswith("CREDIT_LIMITS: ")


def test_blanks_around_a_value_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PORT", " 0 ")
    monkeypatch.setenv("COMPANY_TIME_ZONE", " UTC ")
    monkeypatch.setenv("AMQP_URL", " amqp://localhost/ ")
    settings = load_settings(ProcessSettings)
    assert settings.http_port == 0
    assert settings.company_time_zone == "UTC"
    assert settings.amqp_url == "amqp://localhost/"


def test_an_empty_folder_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BLOBS_DIR", "")
    monkeypatch.setenv("SECRETS_DIR", "")
    assert load_settings(ProcessSettings).blobs_dir is None


async def test_a_folder_that_takes_no_files_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    monkeypatch.setenv("BLOBS_DIR", str(file))
    with pytest.raises(SettingsWrong, match="BLOBS_DIR: "):
        async with opened(TICKETS, load_settings(TICKETS.settings)):
            pass
