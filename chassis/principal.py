"""Who calls: what a verified access token says of its bearer."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

Kind = Literal["customer", "staff"]

NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A person who is signed in: somebody acting for a customer, or staff."""

    kind: Kind
    user_id: UUID
    #: The customer they act for; None for staff.
    customer_id: UUID | None
    session_id: UUID
    permissions: frozenset[str]
    locale: str = "en"
    currency: str | None = None
    country: str | None = None
    #: When the token that says so ends, for what goes on beyond one answer.
    expires_at: datetime = field(default=NEVER, compare=False)

    @property
    def scope(self) -> UUID | None:
        """The customer whose rows they may see; None means everybody's.

        Use it in SQL as `($2::uuid IS NULL OR customer_id = $2)`.
        """
        return None if self.is_staff else self.customer_id

    @property
    def is_staff(self) -> bool:
        return self.kind == "staff"

    @property
    def actor(self) -> str:
        """How records name them: `customer:<user id>` or `staff:<user id>`."""
        return f"{self.kind}:{self.user_id}"
