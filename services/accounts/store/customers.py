"""Customers in the database, and how staff find them."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final, LiteralString, cast
from uuid import UUID

from chassis.db import Record, Transaction
from chassis.errors import NotFound
from services.accounts.domain.customers import Address, Customer, Details, Language

#: Of `customers c`, beside `customer_id`; a person's columns have room beside them.
CUSTOMER_COLUMNS: Final[LiteralString] = """
    c.name AS customer_name, c.language AS customer_language,
    c.version AS customer_version, c.company, c.tax_id, c.country, c.currency,
    c.time_zone, c.phone, c.address
"""
_CUSTOMER: Final[LiteralString] = "SELECT c.id AS customer_id, c.created_at, "
_CUSTOMERS: Final[LiteralString] = _CUSTOMER + CUSTOMER_COLUMNS + "FROM customers c "


@dataclass(frozen=True, slots=True)
class StoredCustomer:
    """A customer and since when it is one."""

    customer: Customer
    created_at: datetime


async def insert_customer(
    tx: Transaction, customer: Customer, words: Iterable[str], *, now: datetime
) -> None:
    await tx.execute(
        """
        INSERT INTO customers (id, name, company, tax_id, country, currency,
                               language, time_zone, phone, address, search, version,
                               created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, array_to_tsvector($11), $12,
                $13, $13)
        """,
        customer.id,
        *_detail_values(customer.details),
        sorted(words),
        customer.version,
        now,
    )


async def save_customer(
    tx: Transaction, customer: Customer, words: Iterable[str], *, now: datetime
) -> None:
    await tx.execute(
        """
        UPDATE customers
        SET name = $2, company = $3, tax_id = $4, country = $5, currency = $6,
            language = $7, time_zone = $8, phone = $9, address = $10,
            search = array_to_tsvector($11), version = $12, updated_at = $13
        WHERE id = $1
        """,
        customer.id,
        *_detail_values(customer.details),
        sorted(words),
        customer.version,
        now,
    )


async def get_customer(tx: Transaction, customer_id: UUID) -> StoredCustomer:
    row = await tx.fetchrow(_CUSTOMERS + "WHERE id = $1", customer_id)
    if row is None:
        raise NotFound
    return _stored(row)


async def lock_customer(tx: Transaction, customer_id: UUID) -> Customer:
    row = await tx.fetchrow(_CUSTOMERS + "WHERE id = $1 FOR UPDATE", customer_id)
    if row is None:
        raise NotFound
    return _stored(row).customer


async def list_customers(
    tx: Transaction, *, words: Iterable[str] | None, before: UUID | None, limit: int
) -> list[StoredCustomer]:
    """List, newest first, customers with words that begin with all of these, or all."""
    rows = await tx.fetch(
        _CUSTOMERS
        + """
        WHERE ($1::text IS NULL OR search @@ ($1::text)::tsquery)
          AND ($2::uuid IS NULL OR id < $2)
        ORDER BY id DESC LIMIT $3
        """,
        _prefix_query(words),
        before,
        limit,
    )
    return [_stored(row) for row in rows]


async def count_customers(tx: Transaction, *, words: Iterable[str] | None) -> int:
    count: int = await tx.fetchval(
        """
        SELECT count(*) FROM customers
        WHERE ($1::text IS NULL OR search @@ ($1::text)::tsquery)
        """,
        _prefix_query(words),
    )
    return count


async def list_customers_after(
    tx: Transaction, after: UUID | None, limit: int
) -> list[Customer]:
    """List all customers by id, a part at a time."""
    rows = await tx.fetch(
        _CUSTOMERS + "WHERE ($1::uuid IS NULL OR id > $1) ORDER BY id LIMIT $2",
        after,
        limit,
    )
    return [_stored(row).customer for row in rows]


def _prefix_query(words: Iterable[str] | None) -> str | None:
    if words is None:
        return None
    # Words hold letters and digits alone, so that quoting them is enough. Without any,
    # the query is empty and finds nothing.
    return " & ".join(f"'{word}':*" for word in sorted(words))


def _detail_values(details: Details) -> tuple[object, ...]:
    return (
        details.name,
        details.company,
        details.tax_id,
        details.country,
        details.currency,
        details.language,
        details.time_zone,
        details.phone,
        asdict(details.address) if details.address else None,
    )


def _stored(row: Record) -> StoredCustomer:
    return StoredCustomer(customer_of(row), row["created_at"])


def customer_of(row: Record) -> Customer:
    """Return the customer of a row with `customer_id` and CUSTOMER_COLUMNS."""
    return Customer(
        id=row["customer_id"],
        details=Details(
            name=row["customer_name"],
            company=row["company"],
            tax_id=row["tax_id"],
            country=row["country"],
            currency=row["currency"],
            language=Language(row["customer_language"]),
            time_zone=row["time_zone"],
            phone=row["phone"],
            address=_address(cast("dict[str, str] | None", row["address"])),
        ),
        version=row["customer_version"],
    )


def _address(kept: dict[str, str] | None) -> Address | None:
    return Address(**kept) if kept else None
