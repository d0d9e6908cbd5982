"""A process's settings: typed, from the environment, secrets also from files."""

import json
import os
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    SettingsConfigDict,
    SettingsError,
)

from chassis import addresses
from chassis.money import EXPONENTS

Part = Literal["http", "relay", "consumers", "jobs"]
PARTS: frozenset[Part] = frozenset(("http", "relay", "consumers", "jobs"))

S_ = TypeVar("S_", bound="ProcessSettings")
T = TypeVar("T")

#: Longer than any record is of use: a hundred years.
LONGEST_DAYS = 36_500
#: More than one process can have.
MOST_CONNECTIONS = 1_000_000


def _split(value: object) -> object:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _read_json(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        # Nothing is how docker compose passes on what isn't set.
        return json.loads(value) if value.strip() else {}
    except (ValueError, RecursionError):
        # Without the cause, which might quote what is secret.
        raise ValueError("must be JSON") from None


def _not_empty(values: frozenset[T]) -> frozenset[T]:
    if not values:
        raise ValueError("must name one at least")
    return values


def _known(currencies: frozenset[str]) -> frozenset[str]:
    unknown = currencies - EXPONENTS.keys()
    if unknown:
        raise ValueError(
            f"{', '.join(sorted(unknown))} is not among {', '.join(EXPONENTS)}"
        )
    return currencies


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(
            "must be a time zone's name, such as America/Sao_Paulo"
        ) from None
    return name


def _folder(value: object) -> object:
    """An empty path would be the folder that the process was started in."""
    return None if isinstance(value, str) and not value.strip() else value


#: Several values, separated by commas: `TRUSTED_PROXIES=10.0.0.0/8,172.16.0.0/12`.
Several = Annotated[frozenset[T], NoDecode, BeforeValidator(_split)]
#: Several, and one at least: `PARTS=http,relay`.
SomeOf = Annotated[Several[T], AfterValidator(_not_empty)]
#: What amounts may be in: `CURRENCIES=BRL,USD`.
Currencies = Annotated[SomeOf[str], AfterValidator(_known)]
#: What is written as an object of JSON; nothing is an empty one.
FromJson = Annotated[T, NoDecode, BeforeValidator(_read_json)]
#: An address of HTTP, without secrets; or nothing where it isn't needed.
HttpUrl = Annotated[str, AfterValidator(addresses.http_url)]
ListeningHost = Annotated[str, AfterValidator(addresses.listening_host)]
Days = Annotated[int, Field(ge=1, le=LONGEST_DAYS)]


class ProcessSettings(BaseSettings):
    """What every process needs to know; each service derives its own."""

    model_config = SettingsConfigDict(
        extra="ignore",
        frozen=True,
        str_strip_whitespace=True,
        # A limit in seconds that is no number, or endless, is none.
        allow_inf_nan=False,
    )

    database_url: Annotated[str, AfterValidator(addresses.postgres_url)] = ""
    owner_database_url: Annotated[str, AfterValidator(addresses.postgres_url)] = ""
    amqp_url: Annotated[str, AfterValidator(addresses.amqp_url)] = ""
    http_host: ListeningHost = "127.0.0.1"
    http_port: int = Field(default=8080, ge=0, le=65535)
    #: Beyond so many clients' connections at once, a new one is closed.
    http_connections: int = Field(default=2000, ge=1, le=MOST_CONNECTIONS)
    #: How long clients that are connected may go on once this process is to stop:
    #: longer than they keep an idle connection, and none meets a closed one.
    drain_seconds: float = Field(default=0.0, ge=0, le=15)
    #: Where health and metrics are served, and nowhere else; 0: among the routes.
    observe_port: int = Field(default=0, ge=0, le=65535)
    observe_host: ListeningHost = "127.0.0.1"
    #: Proxies before the gateway, as networks: `TRUSTED_PROXIES=172.16.0.0/12`. What
    #: they add to X-Forwarded-For is believed to be the client's address.
    trusted_proxies: Several[IPv4Network | IPv6Network] = frozenset()
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    #: Which parts this process runs: `PARTS=http,relay`.
    parts: SomeOf[Part] = PARTS
    company_time_zone: Annotated[str, AfterValidator(_time_zone)] = "America/Sao_Paulo"
    #: Lets staff move the business clock; never on where money is real.
    sandbox_clock: bool = False
    jwks_url: HttpUrl = ""
    token_issuer: Annotated[str, Field(min_length=1)] = "clientarea"  # noqa: S105 - a name, not a secret
    blobs_dir: Annotated[Path | None, BeforeValidator(_folder)] = None
    #: Connections that write, and as many again that only read.
    pool_size: int = Field(default=10, ge=2, le=200)
    #: Holds every event back for so long; for tests of readers that must wait.
    relay_delay_seconds: float = Field(default=0.0, ge=0, le=60)
    prefetch: int = Field(default=50, ge=1, le=50)
    keep_outbox_days: Days = 30
    keep_inbox_days: Days = 90
    keep_idempotency_days: Days = 30
    keep_job_runs_days: Days = 30

    @field_validator("keep_inbox_days")
    @classmethod
    def _outlasts_the_outbox(cls, days: int, told: ValidationInfo) -> int:
        """An event that is sent again must still be known to who handled it."""
        outbox_days = told.data.get("keep_outbox_days", 0)
        if days < outbox_days:
            raise ValueError(
                f"is {days}, and must be no less than KEEP_OUTBOX_DAYS,"
                f" which is {outbox_days}"
            )
        return days

    def __init__(self, **values: Any) -> None:
        super().__init__(_secrets_dir=os.environ.get("SECRETS_DIR") or None, **values)


class SettingsWrong(SystemExit):
    """The environment is missing something, or has it wrong; ends the process."""


def load_settings(settings: type[S_]) -> S_:
    """Read the settings; stop with one line that names each faulty variable."""
    secrets = os.environ.get("SECRETS_DIR")
    if secrets and not Path(secrets).is_dir():
        raise SettingsWrong(
            f"SECRETS_DIR: there is no folder {secrets!r}; leave it empty for none"
        )
    try:
        return settings()
    except ValidationError as wrong:
        # The same fault may be found in each of several values.
        faults = dict.fromkeys(
            f"{'_'.join(map(str, fault['loc'][:1])).upper()}: {_said(fault['msg'])}"
            for fault in wrong.errors(include_input=False)
        )
        raise SettingsWrong("; ".join(faults)) from None
    except SettingsError as wrong:
        # A file that can't be read is its cause, and names itself.
        raise SettingsWrong(f"SECRETS_DIR: {wrong.__cause__ or wrong}") from None


def _said(message: str) -> str:
    """Return pydantic's message as part of a line."""
    return " ".join(message.removeprefix("Value error, ").split())


def require(settings: ProcessSettings, *names: str) -> None:
    """Stop with one line that names what is not set."""
    missing = [name.upper() for name in names if not getattr(settings, name)]
    if missing:
        where = "in the environment, nor as a file in SECRETS_DIR"
        faults = [f"{name}: is not set, neither {where}" for name in missing]
        raise SettingsWrong("; ".join(faults))
