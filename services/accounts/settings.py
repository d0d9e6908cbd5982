"""What accounts reads from its environment."""

import json
from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property

from aiohttp import web
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from pydantic import Field, SecretStr, field_validator

from chassis.settings import ProcessSettings, Several
from contracts.links import LinkKey
from services.accounts.domain.customers import Rules
from services.accounts.domain.sessions import Lifetime, SessionKind


class Settings(ProcessSettings):
    """Accounts' own settings."""

    #: An Ed25519 private JWK, as JSON: signs access tokens.
    signing_key: SecretStr = SecretStr("")
    #: Shared with notifier: both derive the tokens of mailed links from it.
    link_key: LinkKey = SecretStr("")
    #: Loosens the limits by address where many callers share one.
    address_limit_factor: int = Field(default=1, ge=1, le=10_000)
    minimum_password_length: int = Field(default=10, ge=8, le=64)
    #: What the company sells in: `CURRENCIES=BRL,USD`.
    currencies: Several[str] = frozenset(("BRL", "USD"))
    session_idle_days: int = Field(default=30, ge=1, le=365)
    session_days: int = Field(default=180, ge=1, le=3650)
    #: Shorter where others may sit down at the same machine.
    browser_session_idle_days: int = Field(default=7, ge=1, le=365)
    browser_session_days: int = Field(default=30, ge=1, le=3650)
    #: How many passwords are hashed at once, each on a core of its own.
    password_threads: int = Field(default=1, ge=1, le=64)
    #: How long ended sessions and answered links are kept.
    keep_ended_days: int = Field(default=90, ge=1)

    @field_validator("signing_key")
    @classmethod
    def check_signing_key(cls, value: SecretStr) -> SecretStr:
        if value:
            read_signing_key(value)
        return value

    @cached_property
    def rules(self) -> Rules:
        return Rules(
            currencies=self.currencies,
            default_time_zone=self.company_time_zone,
            minimum_password_length=self.minimum_password_length,
        )

    @cached_property
    def lifetimes(self) -> Mapping[SessionKind, Lifetime]:
        return {
            SessionKind.APP: Lifetime(
                idle=timedelta(days=self.session_idle_days),
                total=timedelta(days=self.session_days),
            ),
            SessionKind.BROWSER: Lifetime(
                idle=timedelta(days=self.browser_session_idle_days),
                total=timedelta(days=self.browser_session_days),
            ),
        }

    @cached_property
    def key(self) -> OKPKey:
        return read_signing_key(self.signing_key)

    @property
    def link_key_bytes(self) -> bytes:
        return self.link_key.get_secret_value().encode()


SETTINGS: web.AppKey[Settings] = web.AppKey("accounts_settings")


def read_signing_key(secret: SecretStr) -> OKPKey:
    """Return the private key with the id it is published under."""
    try:
        key = OKPKey.import_key(json.loads(secret.get_secret_value()))
    except (ValueError, TypeError, KeyError, JoseError):
        # Without the cause, which might quote the secret.
        raise ValueError("must be a JWK as JSON") from None
    if key.curve_name != "Ed25519" or not key.is_private:
        raise ValueError("must be an Ed25519 private key")
    return OKPKey.import_key({**key.as_dict(private=True), "kid": key.thumbprint()})
