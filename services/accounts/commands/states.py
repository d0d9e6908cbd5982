"""Accounts' objects as they are now, told again so that others can rebuild copies."""

from collections.abc import Sequence
from uuid import UUID

from chassis.db import Transaction
from chassis.events import Event
from contracts.events.accounts import CustomerUpdated, StaffMemberUpdated
from services.accounts.commands.events import customer_event, staff_event
from services.accounts.store import customers as customer_store
from services.accounts.store import people as store


async def current_customers(
    tx: Transaction, after: UUID | None, limit: int
) -> Sequence[Event]:
    customers = await customer_store.list_customers_after(tx, after, limit)
    people = await store.list_people(tx, [customer.id for customer in customers])
    return [
        customer_event(CustomerUpdated, customer, people[customer.id])
        for customer in customers
    ]


async def current_staff_members(
    tx: Transaction, after: UUID | None, limit: int
) -> Sequence[Event]:
    members = await store.list_staff_after(tx, after, limit)
    return [staff_event(StaffMemberUpdated, member) for member in members]
