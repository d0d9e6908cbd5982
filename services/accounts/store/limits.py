"""Attempts within a sliding window, counted for all replicas in one row each."""

from datetime import datetime

from chassis.db import Transaction
from services.accounts.domain.limits import Throttle


async def try_attempt(tx: Transaction, throttle: Throttle, *, now: datetime) -> bool:
    """Count an attempt; False, and nothing counted, if the window is full.

    One statement decides and counts, so that attempts at once can't both be the last.
    """
    counted: bool | None = await tx.fetchval(
        """
        INSERT INTO attempts AS kept (key, made_at, forget_at)
        VALUES ($1, ARRAY[$2::timestamptz], $2 + $3::interval)
        ON CONFLICT (key) DO UPDATE
        SET made_at = $2 || ARRAY(
                SELECT made FROM unnest(kept.made_at) AS made
                WHERE made > $2 - $3::interval ORDER BY made DESC LIMIT $4
            ),
            forget_at = greatest(kept.forget_at, $2 + $3::interval)
        WHERE (
            SELECT count(*) FROM unnest(kept.made_at) AS made
            WHERE made > $2 - $3::interval
        ) < $4
        RETURNING true
        """,
        throttle.key,
        now,
        throttle.limit.window,
        throttle.limit.count,
    )
    return bool(counted)


async def find_oldest_if_full(
    tx: Transaction, throttle: Throttle, *, now: datetime
) -> datetime | None:
    """Return the attempt that must leave the window first; None if there is room."""
    oldest: datetime | None = await tx.fetchval(
        """
        SELECT made FROM attempts, unnest(made_at) AS made
        WHERE key = $1 AND made > $2::timestamptz - $3::interval
        ORDER BY made DESC OFFSET $4 - 1 LIMIT 1
        """,
        throttle.key,
        now,
        throttle.limit.window,
        throttle.limit.count,
    )
    return oldest


async def delete_forgotten_attempts(
    tx: Transaction, *, now: datetime, limit: int
) -> int:
    return await tx.execute(
        """
        DELETE FROM attempts WHERE key IN (
            SELECT key FROM attempts WHERE forget_at < $1
            LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        """,
        now,
        limit,
    )
