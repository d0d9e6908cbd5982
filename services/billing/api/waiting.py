"""What a request waits for before its transaction: facts that are still travelling."""

from collections.abc import Sequence
from uuid import UUID

from chassis.db import Transaction
from chassis.errors import RuleViolated, Unavailable
from chassis.http import Call
from services.billing.store.payments import has_drafts
from services.billing.store.tickets import find_ticket_owner


class NotIssuedYet(Unavailable):
    """The invoice waits for its buyer's details; try again shortly."""


async def wait_until_issued(call: Call, invoice_ids: Sequence[UUID]) -> None:
    """Let drafts be issued, which happens as soon as the buyer's details arrive."""

    async def find(tx: Transaction) -> bool | None:
        return None if await has_drafts(tx, call.principal.scope, invoice_ids) else True

    if await call.wait_for(find, of="accounts") is None:
        raise NotIssuedYet


async def check_ticket(call: Call, ticket_id: UUID, customer_id: UUID) -> None:
    """Refuse a ticket that isn't this customer's, once tickets told all it knows."""

    async def find(tx: Transaction) -> UUID | None:
        return await find_ticket_owner(tx, ticket_id)

    if await call.wait_for(find, of="tickets") != customer_id:
        raise RuleViolated("is no ticket of this customer's", field="ticket_id")
