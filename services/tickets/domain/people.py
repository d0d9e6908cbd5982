"""Who speaks and acts in a ticket."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class AuthorKind(StrEnum):
    """On whose side somebody is."""

    CUSTOMER = "customer"
    STAFF = "staff"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Author:
    """A person, or the system, which has no id, with the name that readers see."""

    kind: AuthorKind
    id: UUID | None
    name: str
