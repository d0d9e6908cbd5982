"""What a customer's domain name is."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID


class DomainStatus(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"
    TRANSFERRED_AWAY = "transferred_away"


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """A registered name; it expires at the end of `expires_on`."""

    id: UUID
    customer_id: UUID
    name: str
    status: DomainStatus
    expires_on: date | None
    auto_renew: bool
    created_at: datetime
