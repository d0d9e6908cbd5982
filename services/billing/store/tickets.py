"""Tickets, as the process of that name tells of them."""

from uuid import UUID

from chassis.db import Transaction

FINANCE = "finance"


async def save_ticket(
    tx: Transaction,
    ticket_id: UUID,
    *,
    version: int,
    customer_id: UUID,
    department: str,
    status: str,
    invoice_id: UUID | None,
) -> None:
    """Note a ticket's state, unless a later version is noted already."""
    await tx.execute(
        """
        INSERT INTO tickets AS t (id, version, customer_id, department, status,
                                  invoice_id)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (id) DO UPDATE
        SET version = EXCLUDED.version, department = EXCLUDED.department,
            status = EXCLUDED.status, invoice_id = EXCLUDED.invoice_id
        WHERE t.version <= EXCLUDED.version
        """,
        ticket_id,
        version,
        customer_id,
        department,
        status,
        invoice_id,
    )


async def find_ticket_owner(tx: Transaction, ticket_id: UUID) -> UUID | None:
    """Return the customer whose ticket it is, if it is known and anybody's."""
    return await tx.fetchval("SELECT customer_id FROM tickets WHERE id = $1", ticket_id)
