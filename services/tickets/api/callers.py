"""Who writes: the caller's name, as accounts told it."""

from uuid import UUID

from chassis.db import Transaction
from chassis.errors import Unavailable
from chassis.http import Call
from chassis.principal import Principal
from services.tickets.domain.people import Author, AuthorKind
from services.tickets.store import projections as store


async def find_author(call: Call) -> Author:
    """Return the caller as an author; waits if they have only just been told of."""
    principal = call.principal
    name = await call.wait_for(lambda tx: _find_name(tx, principal), of="accounts")
    if name is None:
        raise Unavailable("your name is not known here yet", retry_after_seconds=5)
    return Author(AuthorKind(principal.kind), principal.user_id, name)


async def _find_name(tx: Transaction, principal: Principal) -> str | None:
    customer_id: UUID | None = principal.customer_id
    if customer_id is None:
        return await store.find_staff_name(tx, principal.user_id)
    return await store.find_customer_name(tx, customer_id, principal.user_id)
