"""The audit log: who did what, when, from where; it only grows."""

from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID

from chassis.context import current_cause
from chassis.db import Transaction
from chassis.ids import uuid7


async def record(
    tx: Transaction,
    action: str,
    *,
    subject: UUID,
    customer_id: UUID | None = None,
    details: Mapping[str, object] | None = None,
) -> None:
    """Append what the current cause's actor did to `subject`, in its transaction."""
    cause = current_cause()
    await tx.execute(
        """
        INSERT INTO audit_log (id, at, actor, action, subject, customer_id,
                               details, address, cause_id, correlation_id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        """,
        uuid7(),
        datetime.now(UTC),
        cause.actor,
        action,
        subject,
        customer_id,
        dict(details or {}),
        cause.address,
        cause.cause_id,
        cause.correlation_id,
    )
