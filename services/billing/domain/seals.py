"""The hash chain over the journal: each seal vouches for all that came before it."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

#: What the first seal follows.
GENESIS = bytes(32)
#: An entry's id tells when it was made; it commits at most this much later.
LATEST_COMMIT = timedelta(hours=1)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Recorded:
    """An entry as it is recorded, with its postings, in the order of recording."""

    entry_id: UUID
    #: Every column as text or null; instants in UTC with microseconds.
    columns: tuple[str | None, ...]
    postings: tuple[tuple[int, str, str, int], ...]

    def content(self) -> bytes:
        """Return the one way in which this is written down to be hashed."""
        parts = [self.columns, self.postings]
        return json.dumps(parts, separators=(",", ":"), ensure_ascii=True).encode()


@dataclass(frozen=True, slots=True)
class Seal:
    """An entry's place in the chain."""

    position: int
    entry_id: UUID
    hash: bytes


def seal(previous: bytes, recorded: Recorded) -> bytes:
    """Return the hash that binds an entry to all before it."""
    return hashlib.sha256(previous + recorded.content()).digest()


def extend(head: Seal | None, entries: Sequence[Recorded]) -> list[Seal]:
    """Return the seals that follow the chain's head, one for each entry."""
    position, previous = (head.position, head.hash) if head else (0, GENESIS)
    seals: list[Seal] = []
    for recorded in entries:
        position, previous = position + 1, seal(previous, recorded)
        seals.append(Seal(position, recorded.entry_id, previous))
    return seals


def least_id(made_at: datetime) -> UUID:
    """Return the least id that an entry made at this instant, or later, can have."""
    return UUID(int=(made_at - _EPOCH) // _MILLISECOND << 80)


def search_from(last: UUID) -> UUID:
    """Return the least id that an entry may have that was committed after `last`."""
    return least_id(_EPOCH + (last.int >> 80) * _MILLISECOND - LATEST_COMMIT)
