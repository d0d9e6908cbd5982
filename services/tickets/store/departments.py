"""The departments that tickets go to."""

from chassis.db import Record, Transaction
from services.tickets.domain.tickets import Department, Priority


async def list_departments(
    tx: Transaction, *, after: tuple[int, str] | None, limit: int
) -> list[Department]:
    """Return the departments in the order to show them, those after the given one."""
    rows = await tx.fetch(
        """
        SELECT * FROM departments
        WHERE $1::integer IS NULL OR (position, slug) > ($1, $2::text)
        ORDER BY position, slug LIMIT $3
        """,
        *(after or (None, None)),
        limit,
    )
    return [_department(row) for row in rows]


async def count_departments(tx: Transaction) -> int:
    return await tx.fetchval("SELECT count(*) FROM departments")


async def find_department(tx: Transaction, slug: str) -> Department | None:
    row = await tx.fetchrow("SELECT * FROM departments WHERE slug = $1", slug)
    return _department(row) if row else None


async def save_department(tx: Transaction, department: Department) -> None:
    minutes = department.expected_answer_minutes
    await tx.execute(
        """
        INSERT INTO departments (slug, name, position, low_minutes, medium_minutes,
                                 high_minutes, urgent_minutes)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (slug) DO UPDATE
        SET name = EXCLUDED.name, position = EXCLUDED.position,
            low_minutes = EXCLUDED.low_minutes,
            medium_minutes = EXCLUDED.medium_minutes,
            high_minutes = EXCLUDED.high_minutes,
            urgent_minutes = EXCLUDED.urgent_minutes
        """,
        department.slug,
        department.name,
        department.position,
        minutes[Priority.LOW],
        minutes[Priority.MEDIUM],
        minutes[Priority.HIGH],
        minutes[Priority.URGENT],
    )


def _department(row: Record) -> Department:
    return Department(
        slug=row["slug"],
        name=row["name"],
        position=row["position"],
        expected_answer_minutes={
            priority: row[f"{priority}_minutes"] for priority in Priority
        },
    )
