"""What the audit log says to the people it is about."""

from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import UUID

from chassis.db import Record, Transaction
from chassis.principal import Principal


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Something that was done: what, by whom, when, from where."""

    id: UUID
    at: datetime
    actor: str
    action: str
    subject: UUID
    details: dict[str, object]
    address: str | None


async def list_audit_entries(
    tx: Transaction,
    principal: Principal,
    *,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[AuditEntry]:
    """List, newest first, what was done to the caller's customer, or to the caller."""
    before_at, before_id = before or (None, None)
    rows = await tx.fetch(
        """
        SELECT id, at, actor, action, subject, details, address
        FROM audit_log
        WHERE ((customer_id = $1) OR ($1::uuid IS NULL AND subject = $2))
          AND ($3::timestamptz IS NULL OR (at, id) < ($3, $4::uuid))
        ORDER BY at DESC, id DESC LIMIT $5
        """,
        principal.customer_id,
        principal.user_id,
        before_at,
        before_id,
        limit,
    )
    return [_entry(row) for row in rows]


async def count_audit_entries(tx: Transaction, principal: Principal) -> int:
    count: int = await tx.fetchval(
        """
        SELECT count(*) FROM audit_log
        WHERE (customer_id = $1) OR ($1::uuid IS NULL AND subject = $2)
        """,
        principal.customer_id,
        principal.user_id,
    )
    return count


def _entry(row: Record) -> AuditEntry:
    return AuditEntry(
        id=row["id"],
        at=row["at"],
        actor=row["actor"],
        action=row["action"],
        subject=row["subject"],
        details=cast("dict[str, object]", row["details"]),
        address=row["address"],
    )
