"""What is counted for operators, by department; each reads an index over what waits."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

from chassis.db import Transaction
from services.tickets.store.tickets import EXPECTED, TO_ANSWER

_WAITING: Final[LiteralString] = """
    SELECT d.slug, count(t.id) AS waiting,
           count(t.id) FILTER (WHERE expected.due_at < $1) AS late
    FROM departments d LEFT JOIN tickets t ON t.department = d.slug
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """How many customers wait, and how many of them longer than was promised."""

    waiting: int
    late: int


async def count_waiting(tx: Transaction, now: datetime) -> dict[str, Waiting]:
    """Count the tickets that await an answer, for each department."""
    rows = await tx.fetch(
        _WAITING + TO_ANSWER + EXPECTED + "GROUP BY d.slug",
        now,
    )
    return {row["slug"]: Waiting(row["waiting"], row["late"]) for row in rows}


async def count_staff_tasks(tx: Transaction) -> dict[str, int]:
    """Count the internal tickets that are not closed, for each department."""
    rows = await tx.fetch(
        """
        SELECT d.slug, count(t.id) AS tasks
        FROM departments d LEFT JOIN tickets t
            ON t.department = d.slug AND t.internal AND t.status <> 'closed'
        GROUP BY d.slug
        """
    )
    return {row["slug"]: row["tasks"] for row in rows}
