"""What accounts reads from its environment."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cached_property

from aiohttp import web
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey
from pydantic import Field, SecretStr, field_validator

from chassis.settings import Currencies, Days, ProcessSettings
from contracts.links import LinkKey, LinkKeys
from services.accounts.domain.customers import Rules
from services.accounts.domain.sessions import Lifetime, SessionKind


class Settings(ProcessSettings):
    """Accounts' own settings."""

    #: An Ed25519 private JWK, as JSON: signs access tokens.
    signing_key: SecretStr = SecretStr("")
    #: A JWK set, as JSON: keys that will sign next, or did before. They are published,
    #: and what they signed is accepted.
    signing_keys_accepted: SecretStr = SecretStr("")
    #: Shared with notifier: both derive the tokens of mailed links from it.
    link_key: LinkKey = SecretStr("")
    #: Links that were mailed before the key changed are answered with these.
    link_keys_accepted: LinkKeys = SecretStr("")
    #: Loosens the limits by address where many callers share one.
    address_limit_factor: int = Field(default=1, ge=1, le=10_000)
    minimum_password_length: int = Field(default=10, ge=8, le=64)
    #: What the company sells in: `CURRENCIES=BRL,USD`.
    currencies: Currencies = frozenset(("BRL", "USD"))
    session_idle_days: int = Field(default=30, ge=1, le=365)
    session_days: int = Field(default=180, ge=1, le=3650)
    #: Shorter where others may sit down at the same machine.
    browser_session_idle_days: int = Field(default=7, ge=1, le=365)
    browser_session_days: int = Field(default=30, ge=1, le=3650)
    #: How many passwords are hashed at once, each on a core of its own.
    password_threads: int = Field(default=1, ge=1, le=64)
    #: How long ended sessions and answered links are kept.
    keep_ended_days: Days = 90

    @field_validator("signing_key")
    @classmethod
    def check_signing_key(cls, value: SecretStr) -> SecretStr:
        if value:
            read_signing_key(value)
        return value

    @field_validator("signing_keys_accepted")
    @classmethod
    def check_accepted_keys(cls, value: SecretStr) -> SecretStr:
        if value:
            read_accepted_keys(value)
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

    @cached_property
    def accepted_keys(self) -> Sequence[OKPKey]:
        """The keys beside the signing one whose tokens count."""
        if not self.signing_keys_accepted:
            return ()
        known = read_accepted_keys(self.signing_keys_accepted)
        return [key for key in known if key.kid != self.key.kid]

    @property
    def link_keys(self) -> Sequence[bytes]:
        """Every key that a mailed link may have been made with."""
        before = self.link_keys_accepted.get_secret_value().splitlines()
        return [key.encode() for key in (self.link_key.get_secret_value(), *before)]


SETTINGS: web.AppKey[Settings] = web.AppKey("accounts_settings")


def read_signing_key(secret: SecretStr) -> OKPKey:
    """Return the private key with the id it is published under."""
    try:
        key = OKPKey.import_key(json.loads(secret.get_secret_value()))
    except (ValueError, TypeError, KeyError, RecursionError, JoseError):
        # Without the cause, which might quote the secret.
        raise ValueError("must be a JWK as JSON") from None
    if key.curve_name != "Ed25519" or not key.is_private:
        raise ValueError("must be an Ed25519 private key")
    return _identified(key)


def read_accepted_keys(secret: SecretStr) -> Sequence[OKPKey]:
    """Return the set's keys, of which public halves suffice."""
    try:
        known = KeySet.import_key_set(json.loads(secret.get_secret_value()))
    except (ValueError, TypeError, KeyError, RecursionError, JoseError):
        raise ValueError("must be a JWK set as JSON") from None
    keys = [key for key in known.keys if isinstance(key, OKPKey)]
    if len(keys) < len(known.keys) or any(k.curve_name != "Ed25519" for k in keys):
        raise ValueError("must be a JWK set of Ed25519 keys alone")
    return [_identified(key) for key in keys]


def _identified(key: OKPKey) -> OKPKey:
    content = key.as_dict(private=key.is_private)
    return OKPKey.import_key({**content, "kid": key.thumbprint()})
