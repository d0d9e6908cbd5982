"""What each process of the stack is told: its environment, as in production."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.keys import Keys
from deploy.local.ports import LOOPBACK
from deploy.postgres.bootstrap import AUDITOR, owner_of

SERVICES = ("accounts", "billing", "tickets", "notifier")
#: In the data folder: the `Addresses`, for whoever looks at the stack from outside.
ADDRESSES = "addresses.json"
#: Many demo clients share one address; a load is more than that.
ADDRESS_LIMIT_FACTOR = os.environ.get("ADDRESS_LIMIT_FACTOR") or "100"

Environment = dict[str, str]


@dataclass(frozen=True)
class Addresses:
    """Where everything is."""

    gateway: int
    services: Mapping[str, int]
    databases: Mapping[str, str]
    amqp_url: str
    smtp_url: str
    mailbox_url: str

    @property
    def gateway_url(self) -> str:
        return f"http://{LOOPBACK}:{self.gateway}"

    def service_url(self, name: str) -> str:
        return f"http://{LOOPBACK}:{self.services[name]}"

    def ready_url(self, name: str) -> str:
        base = self.gateway_url if name == "gateway" else self.service_url(name)
        return f"{base}/health/ready"


def environments(
    addresses: Addresses, keys: Keys, company: Mapping[str, str], blobs: Path
) -> dict[str, Environment]:
    """Return each process's environment; secrets go only where they are needed."""
    shared = {
        **company,
        "AMQP_URL": addresses.amqp_url,
        "HTTP_HOST": LOOPBACK,
        "JWKS_URL": f"{addresses.service_url('accounts')}/.well-known/jwks.json",
        "BLOBS_DIR": str(blobs),
        "SANDBOX_CLOCK": "true",
        "PYTHONUNBUFFERED": "1",
    }
    found = {name: _service(name, addresses) | shared for name in SERVICES}
    found["accounts"] |= {
        "SIGNING_KEY": keys.signing_key,
        "SIGNING_KEYS_ACCEPTED": keys.signing_keys_accepted,
        "LINK_KEY": keys.link_key,
        "LINK_KEYS_ACCEPTED": keys.link_keys_accepted,
        "ADDRESS_LIMIT_FACTOR": ADDRESS_LIMIT_FACTOR,
    }
    found["notifier"] |= {
        "LINK_KEY": keys.link_key,
        "SMTP_URL": addresses.smtp_url,
        "PORTAL_URL": addresses.gateway_url,
    }
    found["gateway"] = shared | {
        "HTTP_PORT": str(addresses.gateway),
        "PUBLIC_URL": addresses.gateway_url,
        "ADDRESS_LIMIT_FACTOR": ADDRESS_LIMIT_FACTOR,
        **{f"{name.upper()}_URL": addresses.service_url(name) for name in SERVICES},
    }
    return found


def audit_environment(addresses: Addresses, blobs: Path) -> Environment:
    """Return what the audit is told: where to read everything."""
    return {"AUDIT_URL": addresses.databases[AUDITOR], "BLOBS_DIR": str(blobs)}


def _service(name: str, addresses: Addresses) -> Environment:
    return {
        "DATABASE_URL": addresses.databases[name],
        "OWNER_DATABASE_URL": addresses.databases[owner_of(name)],
        "HTTP_PORT": str(addresses.services[name]),
    }
