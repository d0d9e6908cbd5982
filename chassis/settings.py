"""A process's settings: typed, from the environment, secrets also from files."""

import os
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

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

Part = Literal["http", "relay", "consumers", "jobs"]
PARTS: frozenset[Part] = frozenset(("http", "relay", "consumers", "jobs"))

S_ = TypeVar("S_", bound="ProcessSettings")
T = TypeVar("T")


def _split(value: object) -> object:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


#: Several values, separated by commas: `PARTS=http,relay`.
Several = Annotated[frozenset[T], NoDecode, BeforeValidator(_split)]


class ProcessSettings(BaseSettings):
    """What every process needs to know; each service derives its own."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    database_url: Annotated[str, AfterValidator(addresses.postgres_url)] = ""
    owner_database_url: Annotated[str, AfterValidator(addresses.postgres_url)] = ""
    amqp_url: Annotated[str, AfterValidator(addresses.amqp_url)] = ""
    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8080, ge=0, le=65535)
    #: Beyond so many clients' connections at once, a new one is closed.
    http_connections: int = Field(default=2000, ge=1)
    #: How long clients that are connected may go on once this process is to stop:
    #: longer than they keep an idle connection, and none meets a closed one.
    drain_seconds: float = Field(default=0.0, ge=0, le=15)
    #: Where health and metrics are served, and nowhere else; 0: among the routes.
    observe_port: int = Field(default=0, ge=0, le=65535)
    observe_host: str = "127.0.0.1"
    #: Proxies before the gateway, as networks: `TRUSTED_PROXIES=172.16.0.0/12`. What
    #: they add to X-Forwarded-For is believed to be the client's address.
    trusted_proxies: Several[IPv4Network | IPv6Network] = frozenset()
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    #: Which parts this process runs: `PARTS=http,relay`.
    parts: Several[Part] = PARTS
    company_time_zone: str = "America/Sao_Paulo"
    #: Lets staff move the business clock; never on where money is real.
    sandbox_clock: bool = False
    jwks_url: str = ""
    token_issuer: str = "clientarea"  # noqa: S105 - a name, not a secret
    blobs_dir: Path | None = None
    #: Connections that write, and as many again that only read.
    pool_size: int = Field(default=10, ge=2, le=200)
    #: Holds every event back for so long; for tests of readers that must wait.
    relay_delay_seconds: float = Field(default=0.0, ge=0, le=60)
    prefetch: int = Field(default=50, ge=1, le=50)
    keep_outbox_days: int = Field(default=30, ge=1)
    keep_inbox_days: int = Field(default=90, ge=1)
    keep_idempotency_days: int = Field(default=30, ge=1)
    keep_job_runs_days: int = Field(default=30, ge=1)

    @field_validator("keep_inbox_days")
    @classmethod
    def _outlasts_the_outbox(cls, days: int, told: ValidationInfo) -> int:
        """An event that is sent again must still be known to who handled it."""
        if days < told.data.get("keep_outbox_days", 0):
            raise ValueError("must be no less than KEEP_OUTBOX_DAYS")
        return days

    def __init__(self, **values: Any) -> None:
        super().__init__(_secrets_dir=os.environ.get("SECRETS_DIR"), **values)


class SettingsWrong(SystemExit):
    """The environment is missing something, or has it wrong; ends the process."""


def load_settings(settings: type[S_]) -> S_:
    """Read the settings; stop with one line that names each faulty variable."""
    try:
        return settings()
    except ValidationError as wrong:
        faults = [
            f"{'_'.join(map(str, fault['loc'][:1])).upper()}:"
            f" {fault['msg'].removeprefix('Value error, ')}"
            for fault in wrong.errors()
        ]
        raise SettingsWrong("; ".join(faults)) from None
    except SettingsError as wrong:
        # A file that can't be read is its cause, and names itself.
        raise SettingsWrong(f"SECRETS_DIR: {wrong.__cause__ or wrong}") from None


def require(settings: ProcessSettings, *names: str) -> None:
    """Stop with one line that names what is not set."""
    missing = [name.upper() for name in names if not getattr(settings, name)]
    if missing:
        where = "in the environment, nor as a file in SECRETS_DIR"
        faults = [f"{name}: is not set, neither {where}" for name in missing]
        raise SettingsWrong("; ".join(faults))
