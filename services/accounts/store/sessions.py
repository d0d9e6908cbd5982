"""Sessions and the hashes of their tokens."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

from chassis.db import Record, Transaction
from chassis.errors import NotFound
from chassis.principal import Principal
from services.accounts.domain.sessions import EndReason, RefreshToken, Session

_SESSIONS: Final[LiteralString] = """
    SELECT id, user_id, device, address, created_at, last_used_at, expires_at,
           ended_at, token_hash
    FROM sessions
"""


@dataclass(frozen=True, slots=True)
class Family:
    """A session, locked, and the token of it that was presented."""

    session: Session
    token: RefreshToken


async def insert_session(tx: Transaction, session: Session) -> None:
    await tx.execute(
        """
        INSERT INTO sessions (id, user_id, device, address, created_at,
                              last_used_at, expires_at, token_hash)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        """,
        session.id,
        session.user_id,
        session.device,
        session.address,
        session.created_at,
        session.last_used_at,
        session.expires_at,
        session.token_hash,
    )


async def save_session_use(tx: Transaction, session: Session) -> None:
    await tx.execute(
        """
        UPDATE sessions
        SET device = $2, address = $3, last_used_at = $4, expires_at = $5
        WHERE id = $1
        """,
        session.id,
        session.device,
        session.address,
        session.last_used_at,
        session.expires_at,
    )


async def insert_refresh_token(
    tx: Transaction, token: RefreshToken, *, now: datetime
) -> None:
    await tx.execute(
        """
        INSERT INTO refresh_tokens (token_hash, session_id, issued_at)
        VALUES ($1, $2, $3)
        """,
        token.hash,
        token.session_id,
        now,
    )


async def find_refresh_token(
    tx: Transaction, hashes: Sequence[bytes]
) -> RefreshToken | None:
    """Return the one that has any of these hashes."""
    row = await tx.fetchrow(
        """
        SELECT token_hash, session_id, used_at FROM refresh_tokens
        WHERE token_hash = ANY($1)
        """,
        hashes,
    )
    return RefreshToken(*row) if row else None


async def mark_token_used(tx: Transaction, token_hash: bytes, *, now: datetime) -> None:
    await tx.execute(
        "UPDATE refresh_tokens SET used_at = $2 WHERE token_hash = $1", token_hash, now
    )


async def find_browser_session(tx: Transaction, token_hash: bytes) -> Session | None:
    row = await tx.fetchrow(_SESSIONS + "WHERE token_hash = $1", token_hash)
    return _session(row) if row else None


async def lock_family(tx: Transaction, token_hash: bytes) -> Family | None:
    """Lock the session that the token belongs to, then read both as they now are."""
    session_id: UUID | None = await tx.fetchval(
        "SELECT session_id FROM refresh_tokens WHERE token_hash = $1", token_hash
    )
    if session_id is None:
        return None
    session = await tx.fetchrow(_SESSIONS + "WHERE id = $1 FOR UPDATE", session_id)
    # A second statement, so that it sees what the lock's last holder committed.
    token = await tx.fetchrow(
        "SELECT used_at FROM refresh_tokens WHERE token_hash = $1", token_hash
    )
    if session is None or token is None:
        return None
    return Family(
        _session(session), RefreshToken(token_hash, session_id, token["used_at"])
    )


async def list_live_sessions(
    tx: Transaction,
    principal: Principal,
    *,
    before: UUID | None,
    limit: int,
    now: datetime,
) -> list[Session]:
    """List the caller's own live sessions, newest first."""
    rows = await tx.fetch(
        _SESSIONS
        + """
        WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2
          AND ($3::uuid IS NULL OR id < $3)
        ORDER BY id DESC LIMIT $4
        """,
        principal.user_id,
        now,
        before,
        limit,
    )
    return [_session(row) for row in rows]


async def count_live_sessions(
    tx: Transaction, principal: Principal, *, now: datetime
) -> int:
    count: int = await tx.fetchval(
        """
        SELECT count(*) FROM sessions
        WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2
        """,
        principal.user_id,
        now,
    )
    return count


async def end_session(
    tx: Transaction,
    principal: Principal,
    session_id: UUID,
    *,
    reason: EndReason,
    now: datetime,
) -> None:
    """End one of the caller's own live sessions, or raise NotFound."""
    ended = await tx.execute(
        """
        UPDATE sessions SET ended_at = $3, end_reason = $4
        WHERE id = $1 AND user_id = $2 AND ended_at IS NULL AND expires_at > $3
        """,
        session_id,
        principal.user_id,
        now,
        reason,
    )
    if not ended:
        raise NotFound


async def end_family(
    tx: Transaction, session_id: UUID, *, reason: EndReason, now: datetime
) -> None:
    """End a session that is locked and live."""
    await tx.execute(
        "UPDATE sessions SET ended_at = $2, end_reason = $3 WHERE id = $1",
        session_id,
        now,
        reason,
    )


async def end_sessions(
    tx: Transaction,
    user_id: UUID,
    *,
    reason: EndReason,
    now: datetime,
    spare: UUID | None = None,
) -> list[UUID]:
    """End every session of the user but one; return which ones that were."""
    rows = await tx.fetch(
        """
        UPDATE sessions SET ended_at = $2, end_reason = $3
        WHERE user_id = $1 AND ended_at IS NULL AND id IS DISTINCT FROM $4
        RETURNING id
        """,
        user_id,
        now,
        reason,
        spare,
    )
    return [row["id"] for row in rows]


async def delete_old_sessions(tx: Transaction, *, before: datetime, limit: int) -> int:
    """Delete sessions, with their tokens, that were over before this."""
    return await tx.execute(
        """
        DELETE FROM sessions WHERE id IN (
            SELECT id FROM sessions
            WHERE ended_at < $1 OR expires_at < $1
            LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        """,
        before,
        limit,
    )


async def delete_used_tokens(tx: Transaction, *, before: datetime, limit: int) -> int:
    """Delete tokens used before this; their reuse is refused without them, too."""
    return await tx.execute(
        """
        DELETE FROM refresh_tokens WHERE token_hash IN (
            SELECT token_hash FROM refresh_tokens WHERE used_at < $1
            LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        """,
        before,
        limit,
    )


def _session(row: Record) -> Session:
    return Session(
        id=row["id"],
        user_id=row["user_id"],
        device=row["device"],
        address=row["address"],
        created_at=row["created_at"],
        last_used_at=row["last_used_at"],
        expires_at=row["expires_at"],
        ended_at=row["ended_at"],
        token_hash=row["token_hash"],
    )
