"""How often something may be tried: so many times within a sliding window."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import IPv6Address, ip_address
from math import ceil

from chassis.errors import TooManyRequests

_UNKNOWN_ADDRESS = "unknown"


class TooManyAttempts(TooManyRequests):
    """Too many attempts; try again later."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` of `what` within `window`."""

    what: str
    count: int
    window: timedelta


FAILED_LOG_INS_OF_ACCOUNT = Limit("log-in:account", 10, timedelta(minutes=15))
FAILED_LOG_INS_FROM_ADDRESS = Limit("log-in:address", 30, timedelta(minutes=15))
REGISTRATIONS_FROM_ADDRESS = Limit("registration:address", 60, timedelta(hours=1))
RESETS_OF_ACCOUNT = Limit("reset:account", 5, timedelta(hours=1))
RESETS_FROM_ADDRESS = Limit("reset:address", 60, timedelta(hours=1))
LINKS_TRIED_FROM_ADDRESS = Limit("link:address", 60, timedelta(hours=1))
VERIFICATION_MAILS_OF_USER = Limit("verification:user", 5, timedelta(hours=1))


@dataclass(frozen=True, slots=True)
class Throttle:
    """A limit applied to one account, address or user."""

    limit: Limit
    key: str


def throttle_of(limit: Limit, subject: str) -> Throttle:
    # Hashed: what people type for an e-mail is of any length, and nobody's to keep.
    return Throttle(limit, f"{limit.what}:{sha256(subject.encode()).hexdigest()}")


def throttle_from(limit: Limit, address: str | None, factor: int) -> Throttle:
    """Apply the limit to an address; `factor` loosens it where many share one."""
    loosened = Limit(limit.what, limit.count * factor, limit.window)
    return throttle_of(loosened, _network(address))


def too_many(throttle: Throttle, oldest: datetime, *, now: datetime) -> TooManyAttempts:
    """Say when the oldest attempt that counts will have left the window."""
    wait = oldest + throttle.limit.window - now
    return TooManyAttempts(retry_after_seconds=max(1, ceil(wait.total_seconds())))


def _network(address: str | None) -> str:
    """Return what stands for one connection: of IPv6, a whole /64 belongs to it."""
    if address is None:
        return _UNKNOWN_ADDRESS
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(IPv6Address(int(parsed) >> 64 << 64))
