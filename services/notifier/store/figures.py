"""What is counted for operators; each reads an index."""

from collections.abc import Sequence
from datetime import datetime

from chassis.db import Transaction


async def count_unsent_mails(
    tx: Transaction, statuses: Sequence[str]
) -> dict[str, int]:
    """Count the mails in each of these statuses."""
    rows = await tx.fetch(
        """
        SELECT status, count(*) AS mails FROM mails
        WHERE status = ANY($1) GROUP BY status
        """,
        list(statuses),
    )
    return {row["status"]: row["mails"] for row in rows}


async def find_oldest_due(tx: Transaction) -> datetime | None:
    """Return when the next step of any mail is, or was, due."""
    return await tx.fetchval(
        "SELECT min(next_step_at) FROM mails WHERE next_step_at IS NOT NULL"
    )
