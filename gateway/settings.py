"""The gateway's settings, from the environment."""

from aiohttp import web
from pydantic import Field, field_validator
from yarl import URL

from chassis.settings import ProcessSettings
from contracts.api.billing.fields import BankText

#: Without TLS, cookies could be read on their way to anywhere else.
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Settings(ProcessSettings):
    """Where the services are, and how much one address may ask."""

    accounts_url: str
    billing_url: str
    tickets_url: str
    notifier_url: str
    #: The address that clients use, `https://client.example.com`.
    public_url: str
    #: How pages name the company.
    company_name: str = "Client Area"
    #: How staff's pages name the company's bank accounts, the usual one first; by the
    #: words that payments are confirmed with. One account is `main`.
    bank_accounts: dict[BankText, BankText] = Field(default_factory=dict)
    #: Loosens the limits where many clients share an address or a session, as in tests.
    address_limit_factor: int = Field(default=1, ge=1)
    requests_per_minute: int = Field(default=600, ge=1)
    service_timeout_seconds: float = Field(default=30.0, gt=0)
    #: Beyond so many calls at once to one service, the next is refused at once; files
    #: on their way, which may be slow for their clients' sake, are bounded apart.
    service_calls_at_once: int = Field(default=200, ge=1)
    #: For a page's calls: people who wait longer press again.
    page_timeout_seconds: float = Field(default=10.0, gt=0)
    panel_timeout_seconds: float = Field(default=3.0, gt=0)
    #: A live stream that has nothing to tell shows this often that it is there.
    stream_heartbeat_seconds: float = Field(default=15.0, gt=0)
    streams_per_user: int = Field(default=10, ge=1)
    maximum_streams: int = Field(default=10_000, ge=1)
    #: The streams, and as many others as any process has.
    http_connections: int = Field(default=12_000, ge=1)

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
