"""The daily run's steps, each for one bounded chunk, and what is kept of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from chassis import audit
from chassis.db import Transaction
from contracts.events import billing
from services.billing.commands.invoicing import draft_invoice, issue_new
from services.billing.commands.payment_events import staff_task
from services.billing.domain.customers import Customer
from services.billing.domain.invoices import Invoice, InvoiceKind
from services.billing.domain.runs import (
    Days,
    Due,
    Failure,
    Run,
    group_renewals,
    is_news,
    new_failures,
    renewal_line,
)
from services.billing.domain.services import Service
from services.billing.domain.tasks import run_failed
from services.billing.domain.terms import Terms
from services.billing.store import customers, runs
from services.billing.store.services import list_services_due


@dataclass(frozen=True, slots=True)
class Renewed:
    """What was done: `busy` counts the customers whom somebody else was working on."""

    issued: int = 0
    busy: int = 0

    def __add__(self, other: "Renewed") -> "Renewed":
        return Renewed(self.issued + other.issued, self.busy + other.busy)


async def issue_renewals(
    tx: Transaction,
    due: Sequence[Due],
    *,
    wait: bool,
    terms: Terms,
    days: Days,
    now: datetime,
) -> Renewed:
    """Issue the invoices of services that fall due.

    Workers share the work: unless told to wait, each passes over the customers that
    another one holds.
    """
    held = await _lock(tx, {each.customer_id for each in due}, wait=wait)
    services = await list_services_due(tx, [d for d in due if d.customer_id in held])
    drafts = _draft_renewals(services, held, now=now)
    issued = await issue_new(
        tx, drafts, seller=terms.seller, on=days.booked_on, now=now
    )
    busy = sum(each.customer_id not in held for each in due)
    return Renewed(len(issued), busy)


async def record_run(tx: Transaction, run: Run) -> None:
    """Keep what a run did, and who asked for it; staff hears of new failures."""
    await _record(tx, run, await runs.find_last_run(tx))


async def record_news(tx: Transaction, run: Run) -> None:
    """Keep a timed run, unless it found nothing but what the last one knew."""
    last = await runs.find_last_run(tx)
    if is_news(run, last):
        await _record(tx, run, last)


async def _record(tx: Transaction, run: Run, last: Run | None) -> None:
    await runs.insert_run(tx, run)
    await tx.emit_many([_look(run, failure) for failure in new_failures(run, last)])
    await audit.record(
        tx, "billing.run", subject=run.id, details={"on": run.on.isoformat()}
    )


def _look(run: Run, failure: Failure) -> billing.StaffTaskRaised:
    return staff_task(
        run_failed(failure.step, on=run.on, problem=failure.problem),
        customer_id=failure.customer_id,
        invoice_id=None,
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
