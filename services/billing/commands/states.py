"""Current states, told again for readers to rebuild what they keep of them."""

from collections.abc import Sequence
from uuid import UUID

from chassis.db import Transaction
from chassis.events import Event
from services.billing.commands.events import invoice_state, service_state
from services.billing.store.invoices import list_invoices_after
from services.billing.store.services import list_services_after


async def current_services(
    tx: Transaction, after: UUID | None, limit: int
) -> Sequence[Event]:
    return [service_state(s) for s in await list_services_after(tx, after, limit)]


async def current_invoices(
    tx: Transaction, after: UUID | None, limit: int
) -> Sequence[Event]:
    return [invoice_state(i) for i in await list_invoices_after(tx, after, limit)]
