"""The daily run's steps, each for one bounded chunk in its own transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis import audit
from chassis.db import Transaction
from services.billing.commands.invoicing import draft_invoice, issue_new
from services.billing.domain.customers import Customer
from services.billing.domain.invoices import Invoice, InvoiceKind
from services.billing.domain.runs import Days, Due, Run, group_renewals, renewal_line
from services.billing.domain.services import Service
from services.billing.domain.terms import Terms
from services.billing.store import customers, runs
from services.billing.store.services import list_services_due

#: How many (due date, customer) pairs one transaction renews.
CHUNK = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewed:
    """What one chunk did.

    `last` is where it ended, None when nothing more is due; `busy` counts the customers
    whom somebody else was working on.
    """

    last: Due | None
    issued: int = 0
    busy: int = 0


async def issue_renewals(
    tx: Transaction, after: Due, *, wait: bool, terms: Terms, days: Days, now: datetime
) -> Renewed:
    """Issue the invoices of the next chunk of services that fall due.

    Workers share the work: unless told to wait, each passes over the customers that
    another one holds.
    """
    through = terms.issues_through(days.on)
    page = await runs.list_due(tx, through=through, after=after, limit=CHUNK)
    if not page:
        return Renewed(last=None)
    wanted = [due for due, to_invoice in page if to_invoice]
    held = await _lock(tx, {due.customer_id for due in wanted}, wait=wait)
    services = await list_services_due(tx, [d for d in wanted if d.customer_id in held])
    drafts = _draft_renewals(services, held, now=now)
    issued = await issue_new(
        tx, drafts, seller=terms.seller, on=days.booked_on, now=now
    )
    return Renewed(
        last=page[-1][0],
        issued=len(issued),
        busy=sum(due.customer_id not in held for due in wanted),
    )


async def record_run(tx: Transaction, run: Run) -> None:
    """Keep what a run did, and who asked for it."""
    await runs.insert_run(tx, run)
    await audit.record(
        tx, "billing.run", subject=run.id, details={"on": run.on.isoformat()}
    )


async def _lock(
    tx: Transaction, customer_ids: set[UUID], *, wait: bool
) -> dict[UUID, Customer]:
    if not customer_ids:
        return {}
    lock = customers.lock_customers if wait else customers.lock_free_customers
    return await lock(tx, list(customer_ids))


def _draft_renewals(
    services: Sequence[Service], held: Mapping[UUID, Customer], *, now: datetime
) -> list[tuple[Invoice, Customer]]:
    return [
        (_draft_renewal(group, customer, now=now), customer)
        for group in group_renewals(services)
        for customer in [held[group[0].customer_id]]
    ]


def _draft_renewal(
    services: Sequence[Service], customer: Customer, *, now: datetime
) -> Invoice:
    first = services[0]
    return draft_invoice(
        customer,
        kind=InvoiceKind.SERVICE,
        currency=first.recurring.currency,
        lines=[renewal_line(service, customer.language) for service in services],
        due_on=first.next_span().start,
        now=now,
    )
