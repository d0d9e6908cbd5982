"""Giving a new ticket a protocol that nobody can guess and no other ticket has."""

import secrets
from dataclasses import replace
from uuid import UUID

from chassis.db import Transaction
from chassis.errors import Unavailable
from services.tickets.domain.tickets import PROTOCOLS, Ticket, format_protocol
from services.tickets.store import tickets as store

#: Of 10^15 protocols; needing the second draw is already a curiosity.
DRAWS = 5


async def insert_with_protocol(
    tx: Transaction, ticket: Ticket, *, staff_task_id: UUID | None = None
) -> Ticket:
    """Store the ticket under a fresh protocol, drawing again if it was given before."""
    for _ in range(DRAWS):
        named = replace(ticket, protocol=format_protocol(secrets.randbelow(PROTOCOLS)))
        if await store.insert_ticket(tx, named, staff_task_id=staff_task_id):
            return named
    raise Unavailable("no free protocol was found")
