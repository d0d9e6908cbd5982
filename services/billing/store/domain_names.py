"""Customers' domain names."""

from datetime import datetime
from uuid import UUID

from chassis.db import Record, Transaction
from services.billing.domain.domain_names import Domain, DomainStatus


async def list_domains(
    tx: Transaction,
    scope: UUID | None,
    status: DomainStatus | None,
    *,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[Domain]:
    """Return the newest first, from where a page before ended."""
    created_at, id_ = before or (None, None)
    rows = await tx.fetch(
        """
        SELECT id, customer_id, name, status, expires_on, auto_renew, created_at
        FROM domains
        WHERE ($1::uuid IS NULL OR customer_id = $1)
          AND ($2::text IS NULL OR status = $2)
          AND ($3::timestamptz IS NULL OR (created_at, id) < ($3, $4::uuid))
        ORDER BY created_at DESC, id DESC LIMIT $5
        """,
        scope,
        status,
        created_at,
        id_,
        limit,
    )
    return [_domain(row) for row in rows]


async def count_domains(
    tx: Transaction, scope: UUID | None, status: DomainStatus | None
) -> int:
    return await tx.fetchval(
        """
        SELECT count(*) FROM domains
        WHERE ($1::uuid IS NULL OR customer_id = $1)
          AND ($2::text IS NULL OR status = $2)
        """,
        scope,
        status,
    )


def _domain(row: Record) -> Domain:
    return Domain(
        id=row["id"],
        customer_id=row["customer_id"],
        name=row["name"],
        status=DomainStatus(row["status"]),
        expires_on=row["expires_on"],
        auto_renew=row["auto_renew"],
        created_at=row["created_at"],
    )
