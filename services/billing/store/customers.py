"""Customers, as accounts tells of them; each row is also the lock of its money."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, LiteralString
from uuid import UUID

from chassis.db import Record, Transaction
from services.billing.domain.customers import Customer

_CUSTOMERS: Final[LiteralString] = """
    SELECT id, version, name, company, tax_id, country, currency, language,
           time_zone, email, phone, address
    FROM customers
"""


async def lock_customer(tx: Transaction, customer_id: UUID) -> Customer:
    """Lock a customer, known or not yet: whoever moves their money does this first."""
    locked = await _lock_known(tx, customer_id)
    if locked is not None:
        return locked
    await tx.execute(
        "INSERT INTO customers (id) VALUES ($1) ON CONFLICT (id) DO NOTHING",
        customer_id,
    )
    return await _lock_known(tx, customer_id) or Customer(id=customer_id)


async def lock_free_customers(
    tx: Transaction, customer_ids: Sequence[UUID]
) -> dict[UUID, Customer]:
    """Lock, in id order, those of the customers that nobody else holds."""
    rows = await tx.fetch(
        _CUSTOMERS + "WHERE id = ANY($1) ORDER BY id FOR UPDATE SKIP LOCKED",
        customer_ids,
    )
    return {row["id"]: _customer(row) for row in rows}


async def lock_customers(
    tx: Transaction, customer_ids: Sequence[UUID]
) -> dict[UUID, Customer]:
    """Lock the customers in id order, waiting for those that are held."""
    rows = await tx.fetch(
        _CUSTOMERS + "WHERE id = ANY($1) ORDER BY id FOR UPDATE", customer_ids
    )
    return {row["id"]: _customer(row) for row in rows}


async def find_known_customer(tx: Transaction, customer_id: UUID) -> Customer | None:
    """Return the customer once accounts has told the details."""
    row = await tx.fetchrow(
        _CUSTOMERS + "WHERE id = $1 AND version > 0",
        customer_id,
    )
    return _customer(row) if row else None


async def list_customer_names(
    tx: Transaction, customer_ids: Iterable[UUID]
) -> dict[UUID, str | None]:
    """Return the names of those customers whom accounts has told of."""
    rows = await tx.fetch(
        "SELECT id, name FROM customers WHERE id = ANY($1)", list(set(customer_ids))
    )
    return {row["id"]: row["name"] for row in rows}


async def save_customer(
    tx: Transaction, customer: Customer, address: Mapping[str, str | None] | None
) -> None:
    """Note what accounts tells, unless a later version is noted already."""
    await tx.execute(
        """
        INSERT INTO customers AS c (id, version, name, company, tax_id, country,
                                    currency, language, time_zone, email, phone,
                                    address)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
        ON CONFLICT (id) DO UPDATE
        SET version = EXCLUDED.version, name = EXCLUDED.name,
            company = EXCLUDED.company, tax_id = EXCLUDED.tax_id,
            country = EXCLUDED.country, currency = EXCLUDED.currency,
            language = EXCLUDED.language, time_zone = EXCLUDED.time_zone,
            email = EXCLUDED.email, phone = EXCLUDED.phone,
            address = EXCLUDED.address
        WHERE c.version <= EXCLUDED.version
        """,
        customer.id,
        customer.version,
        customer.name,
        customer.company,
        customer.tax_id,
        customer.country,
        customer.currency,
        customer.language,
        customer.time_zone,
        customer.email,
        customer.phone,
        dict(address) if address else None,
    )


async def _lock_known(tx: Transaction, customer_id: UUID) -> Customer | None:
    row = await tx.fetchrow(_CUSTOMERS + "WHERE id = $1 FOR UPDATE", customer_id)
    return _customer(row) if row else None


def _customer(row: Record) -> Customer:
    return Customer(
        id=row["id"],
        version=row["version"],
        name=row["name"],
        company=row["company"],
        tax_id=row["tax_id"],
        country=row["country"],
        currency=row["currency"],
        language=row["language"],
        time_zone=row["time_zone"],
        email=row["email"],
        phone=row["phone"],
        address=_address_lines(row["address"]),
    )


def _address_lines(address: Mapping[str, str | None] | None) -> tuple[str, ...]:
    """Return the address as it is printed: street, city and region, postal code."""
    if address is None:
        return ()
    place = ", ".join(filter(None, (address.get("city"), address.get("region"))))
    lines = (address.get("line1"), address.get("line2"), place)
    return tuple(filter(None, (*lines, address.get("postal_code"))))
