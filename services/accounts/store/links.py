"""Requests that a mailed link answers."""

from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from chassis.db import Record, Transaction
from services.accounts.domain.links import LinkRequest, Purpose

_LINK_REQUESTS: Final[LiteralString] = """
    SELECT id, user_id, purpose, email, created_at, expires_at, used_at
    FROM link_requests
"""


async def insert_link_request(tx: Transaction, request: LinkRequest) -> None:
    await tx.execute(
        """
        INSERT INTO link_requests (id, user_id, purpose, email, created_at,
                                   expires_at)
        VALUES ($1, $2, $3, $4, $5, $6)
        """,
        request.id,
        request.user_id,
        request.purpose,
        request.email,
        request.created_at,
        request.expires_at,
    )


async def find_link_request(
    tx: Transaction, request_id: UUID, purpose: Purpose
) -> LinkRequest | None:
    row = await tx.fetchrow(
        _LINK_REQUESTS + "WHERE id = $1 AND purpose = $2",
        request_id,
        purpose,
    )
    return _request(row) if row else None


async def lock_link_request(
    tx: Transaction, request_id: UUID, purpose: Purpose
) -> LinkRequest | None:
    row = await tx.fetchrow(
        _LINK_REQUESTS + "WHERE id = $1 AND purpose = $2 FOR UPDATE",
        request_id,
        purpose,
    )
    return _request(row) if row else None


async def mark_link_used(tx: Transaction, request_id: UUID, *, now: datetime) -> None:
    await tx.execute(
        "UPDATE link_requests SET used_at = $2 WHERE id = $1", request_id, now
    )


async def withdraw_links(
    tx: Transaction, user_id: UUID, purpose: Purpose, *, now: datetime
) -> None:
    """Let the user's links of this purpose expire now, unless they were used."""
    await tx.execute(
        """
        UPDATE link_requests SET expires_at = $3
        WHERE user_id = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3
        """,
        user_id,
        purpose,
        now,
    )


async def delete_old_link_requests(
    tx: Transaction, *, before: datetime, limit: int
) -> int:
    return await tx.execute(
        """
        DELETE FROM link_requests WHERE id IN (
            SELECT id FROM link_requests WHERE expires_at < $1
            LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        """,
        before,
        limit,
    )


def _request(row: Record) -> LinkRequest:
    return LinkRequest(
        id=row["id"],
        user_id=row["user_id"],
        purpose=Purpose(row["purpose"]),
        email=row["email"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        used_at=row["used_at"],
    )
