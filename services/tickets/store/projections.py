"""What events told of other services' objects; a version never goes back."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from chassis.db import Transaction


async def save_customer(
    tx: Transaction,
    customer_id: UUID,
    *,
    version: int,
    name: str,
    language: str,
    contacts: Mapping[UUID, str],
) -> None:
    await tx.execute(
        """
        INSERT INTO customers AS known (id, version, name, language, contacts)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (id) DO UPDATE
        SET version = EXCLUDED.version, name = EXCLUDED.name,
            language = EXCLUDED.language, contacts = EXCLUDED.contacts
        WHERE known.version <= EXCLUDED.version
        """,
        customer_id,
        version,
        name,
        language,
        {str(user_id): contact for user_id, contact in contacts.items()},
    )


async def save_staff_member(
    tx: Transaction, user_id: UUID, *, version: int, name: str
) -> None:
    await tx.execute(
        """
        INSERT INTO staff_members AS known (id, version, name) VALUES ($1, $2, $3)
        ON CONFLICT (id) DO UPDATE
        SET version = EXCLUDED.version, name = EXCLUDED.name
        WHERE known.version <= EXCLUDED.version
        """,
        user_id,
        version,
        name,
    )


async def save_service(
    tx: Transaction, service_id: UUID, *, version: int, customer_id: UUID
) -> None:
    await tx.execute(
        """
        INSERT INTO services AS known (id, version, customer_id) VALUES ($1, $2, $3)
        ON CONFLICT (id) DO UPDATE
        SET version = EXCLUDED.version, customer_id = EXCLUDED.customer_id
        WHERE known.version <= EXCLUDED.version
        """,
        service_id,
        version,
        customer_id,
    )


async def save_invoice(
    tx: Transaction, invoice_id: UUID, *, version: int, customer_id: UUID
) -> None:
    await tx.execute(
        """
        INSERT INTO invoices AS known (id, version, customer_id) VALUES ($1, $2, $3)
        ON CONFLICT (id) DO UPDATE
        SET version = EXCLUDED.version, customer_id = EXCLUDED.customer_id
        WHERE known.version <= EXCLUDED.version
        """,
        invoice_id,
        version,
        customer_id,
    )


async def find_customer_name(
    tx: Transaction, customer_id: UUID, user_id: UUID
) -> str | None:
    """Return the name of a person who acts for the customer."""
    return await tx.fetchval(
        "SELECT contacts ->> $2 FROM customers WHERE id = $1", customer_id, str(user_id)
    )


async def find_staff_name(tx: Transaction, user_id: UUID) -> str | None:
    return await tx.fetchval("SELECT name FROM staff_members WHERE id = $1", user_id)


async def find_language(tx: Transaction, customer_id: UUID) -> str | None:
    return await tx.fetchval(
        "SELECT language FROM customers WHERE id = $1", customer_id
    )


async def list_customer_names(
    tx: Transaction, customer_ids: Sequence[UUID]
) -> dict[UUID, str]:
    rows = await tx.fetch(
        "SELECT id, name FROM customers WHERE id = ANY($1::uuid[])", customer_ids
    )
    return {row["id"]: row["name"] for row in rows}


async def list_owned_services(
    tx: Transaction, customer_id: UUID, service_ids: Sequence[UUID]
) -> set[UUID]:
    """Return those of the services that are the customer's."""
    rows = await tx.fetch(
        "SELECT id FROM services WHERE id = ANY($2::uuid[]) AND customer_id = $1",
        customer_id,
        service_ids,
    )
    return {row["id"] for row in rows}


async def owns_invoice(tx: Transaction, customer_id: UUID, invoice_id: UUID) -> bool:
    return await tx.fetchval(
        "SELECT EXISTS (SELECT FROM invoices WHERE id = $2 AND customer_id = $1)",
        customer_id,
        invoice_id,
    )


async def find_owned(
    tx: Transaction,
    customer_id: UUID,
    service_ids: Sequence[UUID],
    invoice_id: UUID | None,
) -> bool | None:
    """Return True once all of these are known as the customer's, None until then."""
    owned = await list_owned_services(tx, customer_id, service_ids)
    if len(owned) < len(service_ids):
        return None
    if invoice_id and not await owns_invoice(tx, customer_id, invoice_id):
        return None
    return True
