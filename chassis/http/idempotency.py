"""Idempotency keys: a repeated POST gets the first answer and has no second effect.

A key is claimed with a lease, in a transaction of its own, before the handler runs; the
answer is stored in the transaction of the effect, only while the lease is still ours.
An error releases the claim; a holder that died loses it when the lease runs out.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime

from chassis.db import Database, Transaction
from chassis.errors import Conflict, FieldError, RuleViolated

HEADER = "Idempotency-Key"
#: Longer than a handler may run, so that only a dead holder loses its lease.
LEASE_SECONDS = 60.0

_KEY = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)


class KeyReused(RuleViolated):
    """The idempotency key was used for another request."""


class StillRunning(Conflict):
    """The first request with this idempotency key is still running."""

    retry_after_seconds = 1


class LeaseLost(Conflict):
    """Another request took over this idempotency key."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One caller's hashed key for one route; `digest` tells requests apart."""

    caller: str
    method: str
    path: str
    key: str
    digest: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to answer for a slot until the lease ends."""

    slot: Slot
    leased_until: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """What the first request was told."""

    status: int
    body: bytes


def read_key(header: str | None) -> str | None:
    """Return the key, or raise RuleViolated if it can't be one."""
    if header is None or _KEY.fullmatch(header):
        return header
    fault = FieldError(HEADER, "must have 1 to 255 visible ASCII characters")
    raise RuleViolated.of([fault])


def slot_of(caller: str, method: str, path: str, key: str, *content: bytes) -> Slot:
    """Return the slot of this key for this request.

    A request may hold a password, so neither it nor anything that lets one guess it
    offline is kept: the digest is keyed with the client's key, of which only a hash
    is stored.
    """
    sizes = b",".join(b"%d" % len(part) for part in content)
    digest = hmac.digest(key.encode(), b"".join((sizes, b"\n", *content)), "sha256")
    hashed = hashlib.sha256(key.encode()).hexdigest()
    return Slot(caller, method, path, hashed, digest)


async def claim(database: Database, slot: Slot) -> Claim | Answer:
    """Claim the slot, or return the answer that it already has."""
    async with database.transaction() as tx:
        leased_until = await _take(tx, slot)
        if leased_until is not None:
            return Claim(slot, leased_until)
        return await _answer_of(tx, slot)


async def complete(tx: Transaction, held: Claim, answer: Answer) -> None:
    """Store the answer with the effect; without the lease, neither may commit."""
    slot = held.slot
    stored = await tx.execute(
        """
        UPDATE idempotency_keys
        SET status = $6, body = $7, completed_at = clock_timestamp()
        WHERE caller = $1 AND method = $2 AND route = $3 AND key = $4
          AND leased_until = $5 AND completed_at IS NULL
        """,
        slot.caller,
        slot.method,
        slot.path,
        slot.key,
        held.leased_until,
        answer.status,
        answer.body.decode(),
    )
    if not stored:
        raise LeaseLost


async def release(database: Database, held: Claim) -> None:
    """Give an unanswered claim back, so that the request can be repeated at once."""
    slot = held.slot
    async with database.transaction() as tx:
        await tx.execute(
            """
            DELETE FROM idempotency_keys
            WHERE caller = $1 AND method = $2 AND route = $3 AND key = $4
              AND leased_until = $5 AND completed_at IS NULL
            """,
            slot.caller,
            slot.method,
            slot.path,
            slot.key,
            held.leased_until,
        )


async def _take(tx: Transaction, slot: Slot) -> datetime | None:
    """Insert the slot, or take it over from a holder that died with its lease."""
    return await tx.fetchval(
        """
        INSERT INTO idempotency_keys AS held
            (caller, method, route, key, request_hash, leased_until)
        VALUES ($1, $2, $3, $4, $5,
                clock_timestamp() + make_interval(secs => $6))
        ON CONFLICT (caller, method, route, key) DO UPDATE
        SET leased_until = EXCLUDED.leased_until
        WHERE held.request_hash = EXCLUDED.request_hash
          AND held.completed_at IS NULL
          AND held.leased_until < clock_timestamp()
        RETURNING leased_until
        """,
        slot.caller,
        slot.method,
        slot.path,
        slot.key,
        slot.digest,
        LEASE_SECONDS,
    )


async def _answer_of(tx: Transaction, slot: Slot) -> Answer:
    row = await tx.fetchrow(
        """
        SELECT request_hash, status, body FROM idempotency_keys
        WHERE caller = $1 AND method = $2 AND route = $3 AND key = $4
        """,
        slot.caller,
        slot.method,
        slot.path,
        slot.key,
    )
    if row is None:
        # The holder failed and released it between our two statements.
        raise StillRunning
    if row["request_hash"] != slot.digest:
        raise KeyReused(field=HEADER)
    if row["status"] is None:
        raise StillRunning
    return Answer(row["status"], row["body"].encode())
