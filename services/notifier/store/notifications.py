"""Notifications, and the customers that they wait for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict, cast
from uuid import UUID

from chassis.context import current_cause
from chassis.db import Record, Transaction
from services.notifier.domain.languages import Language
from services.notifier.domain.mails import Contact, Customer, Notification, Template


@dataclass(frozen=True, slots=True)
class Addressable:
    """A notification whose recipients can be told; a staff link has no customer."""

    notification: Notification
    customer: Customer | None


class _ContactRow(TypedDict):
    user_id: str
    name: str
    email: str
    language: str
    permissions: list[str]


async def save_customer(tx: Transaction, customer: Customer) -> None:
    """Keep the customer as accounts knows it; an older state changes nothing."""
    await tx.execute(
        """
        INSERT INTO customers (id, version, time_zone, contacts)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (id) DO UPDATE
        SET version = EXCLUDED.version, time_zone = EXCLUDED.time_zone,
            contacts = EXCLUDED.contacts
        WHERE customers.version <= EXCLUDED.version
        """,
        customer.id,
        customer.version,
        customer.time_zone,
        [_to_row(contact) for contact in customer.contacts],
    )


async def insert_notification(tx: Transaction, notification: Notification) -> None:
    addressee, cause = notification.addressee, current_cause()
    await tx.execute(
        """
        INSERT INTO notifications (id, event_id, template, customer_id, addressee,
                                   content, created_at, correlation_id, traceparent)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (event_id, template) DO NOTHING
        """,
        notification.id,
        notification.event_id,
        notification.template,
        notification.customer_id,
        addressee and _to_row(addressee),
        notification.content,
        notification.created_at,
        cause.correlation_id,
        cause.traceparent,
    )


async def lock_addressable(tx: Transaction, *, limit: int) -> list[Addressable]:
    """Lock notifications whose recipients are known, oldest first."""
    rows = await tx.fetch(
        """
        SELECT n.id, n.event_id, n.template, n.customer_id, n.addressee, n.content,
               n.created_at, c.version, c.time_zone, c.contacts
        FROM notifications n LEFT JOIN customers c ON c.id = n.customer_id
        WHERE n.addressed_at IS NULL AND (n.addressee IS NOT NULL OR c.id IS NOT NULL)
        ORDER BY n.seq LIMIT $1
        FOR UPDATE OF n SKIP LOCKED
        """,
        limit,
    )
    return [Addressable(_notification(row), _customer(row)) for row in rows]


async def mark_addressed(
    tx: Transaction, notification_ids: Sequence[UUID], *, now: datetime
) -> None:
    await tx.execute(
        "UPDATE notifications SET addressed_at = $2 WHERE id = ANY($1::uuid[])",
        notification_ids,
        now,
    )


def _notification(row: Record) -> Notification:
    addressee = row["addressee"]
    return Notification(
        id=row["id"],
        event_id=row["event_id"],
        template=Template(row["template"]),
        customer_id=row["customer_id"],
        addressee=addressee and _contact(cast("_ContactRow", addressee)),
        content=row["content"],
        created_at=row["created_at"],
    )


def _customer(row: Record) -> Customer | None:
    if row["version"] is None:
        return None
    contacts = cast("list[_ContactRow]", row["contacts"])
    return Customer(
        id=row["customer_id"],
        version=row["version"],
        time_zone=row["time_zone"],
        contacts=tuple(_contact(contact) for contact in contacts),
    )


def _contact(row: _ContactRow) -> Contact:
    return Contact(
        user_id=UUID(row["user_id"]),
        name=row["name"],
        email=row["email"],
        language=Language(row["language"]),
        permissions=frozenset(row["permissions"]),
    )


def _to_row(contact: Contact) -> _ContactRow:
    return {
        "user_id": str(contact.user_id),
        "name": contact.name,
        "email": contact.email,
        "language": contact.language,
        "permissions": sorted(contact.permissions),
    }
