"""The gateway's settings, from the environment."""

from typing import Annotated

from aiohttp import web
from pydantic import Field, StringConstraints, field_validator
from yarl import URL

from chassis.settings import (
    MOST_CONNECTIONS,
    FromJson,
    HttpUrl,
    ProcessSettings,
)
from contracts.api.billing.fields import BankText

#: Without TLS, cookies could be read on their way to anywhere else.
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


#: Longer than anybody waits.
LONGEST_SECONDS = 3600
#: More than one process can serve.
MOST = 1_000_000

GivenUrl = Annotated[HttpUrl, StringConstraints(min_length=1)]
Seconds = Annotated[float, Field(gt=0, le=LONGEST_SECONDS)]
Count = Annotated[int, Field(ge=1, le=MOST)]


class Settings(ProcessSettings):
    """Where the services are, and how much one address may ask."""

    accounts_url: GivenUrl
    billing_url: GivenUrl
    tickets_url: GivenUrl
    notifier_url: GivenUrl
    #: The address that clients use, `https://client.example.com`.
    public_url: GivenUrl
    #: How pages name the company.
    company_name: Annotated[str, StringConstraints(min_length=1, max_length=100)] = (
        "Client Area"
    )
    #: How staff's pages name the company's bank accounts, the usual one first; by the
    #: words that payments are confirmed with. One account is `main`.
    bank_accounts: FromJson[dict[BankText, BankText]] = Field(default_factory=dict)
    #: Loosens the limits where many clients share an address or a session, as in tests.
    address_limit_factor: Count = 1
    requests_per_minute: Count = 600
    service_timeout_seconds: Seconds = 30.0
    #: Beyond so many calls at once to one service, the next is refused at once; files
    #: on their way, which may be slow for their clients' sake, are bounded apart.
    service_calls_at_once: Count = 200
    #: For a page's calls: people who wait longer press again.
    page_timeout_seconds: Seconds = 10.0
    panel_timeout_seconds: Seconds = 3.0
    #: A live stream that has nothing to tell shows this often that it is there.
    stream_heartbeat_seconds: Seconds = 15.0
    streams_per_user: Count = 10
    maximum_streams: Count = 10_000
    #: The streams, and as many others as any process has.
    http_connections: int = Field(default=12_000, ge=1, le=MOST_CONNECTIONS)

    @field_validator("public_url")
    @classmethod
    def _is_safe(cls, url: str) -> str:
        parsed = URL(url)
        if parsed.scheme == "https" or parsed.host in LOOPBACK:
            return url
        raise ValueError("must begin with https://; http:// is for this machine alone")

    @property
    def service_urls(self) -> dict[str, str]:
        return {
            "accounts": self.accounts_url.rstrip("/"),
            "billing": self.billing_url.rstrip("/"),
            "tickets": self.tickets_url.rstrip("/"),
            "notifier": self.notifier_url.rstrip("/"),
        }


SETTINGS: web.AppKey[Settings] = web.AppKey("gateway_settings")
