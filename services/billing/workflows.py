"""The daily run, from its first chunk to its report; each chunk commits by itself."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import datetime
from functools import partial
from uuid import UUID

from chassis.clock import Clock
from chassis.db import Database
from chassis.ids import uuid7
from services.billing.commands.credit import take_credit_on_due_date
from services.billing.commands.orders import cancel_unpaid_orders
from services.billing.commands.runs import issue_renewals
from services.billing.domain.credit import CreditTerms
from services.billing.domain.runs import Days, Report, Run
from services.billing.domain.terms import Terms
from services.billing.store import runs

#: How many customers are looked up at once, to be dealt with one by one.
PAGE = 500


async def run_day(
    db: Database,
    clock: Clock,
    *,
    days: Days,
    terms: Terms,
    credit_terms: CreditTerms,
) -> Run:
    """Do all that is due as of a day; repeating it does nothing more."""
    started_at = clock.business_now()
    report = Report()
    # Credit that pays one period can bring the next one within the lead: go round
    # until nothing is due any more.
    while done := await _renew_and_collect(
        db, days=days, terms=terms, credit_terms=credit_terms, now=started_at
    ):
        report += done
    cancelled = await _cancel_orders(db, days=days, now=started_at)
    return Run(
        id=uuid7(),
        on=days.on,
        started_at=started_at,
        finished_at=clock.business_now(),
        report=report + Report(orders_cancelled=cancelled),
    )


async def _renew_and_collect(
    db: Database,
    *,
    days: Days,
    terms: Terms,
    credit_terms: CreditTerms,
    now: datetime,
) -> Report:
    return Report(
        issued=await _issue_renewals(db, days=days, terms=terms, now=now),
        credit_applied=await _take_credit(db, credit_terms, days=days, now=now),
    )


async def _issue_renewals(
    db: Database, *, days: Days, terms: Terms, now: datetime
) -> int:
    """Issue what falls due; come back once for customers that were being dealt with."""
    issued, busy = await _walk(db, days=days, terms=terms, now=now, wait=False)
    if busy:
        late, _ = await _walk(db, days=days, terms=terms, now=now, wait=True)
        issued += late
    return issued


async def _walk(
    db: Database, *, days: Days, terms: Terms, now: datetime, wait: bool
) -> tuple[int, int]:
    issued = busy = 0
    after = runs.START
    while after is not None:
        async with db.transaction() as tx:
            chunk = await issue_renewals(
                tx, after, wait=wait, terms=terms, days=days, now=now
            )
        issued, busy, after = issued + chunk.issued, busy + chunk.busy, chunk.last
    return issued, busy


async def _take_credit(
    db: Database, terms: CreditTerms, *, days: Days, now: datetime
) -> int:
    applied = 0
    find = partial(runs.list_customers_with_credit_due, on=days.on, limit=PAGE)
    async for customer_id in _customers(db, find):
        async with db.transaction() as tx:
            paid = await take_credit_on_due_date(
                tx,
                customer_id,
                terms=terms,
                on=days.on,
                booked_on=days.booked_on,
                now=now,
            )
        applied += len(paid)
    return applied


async def _cancel_orders(db: Database, *, days: Days, now: datetime) -> int:
    cancelled = 0
    find = partial(runs.list_customers_with_unpaid_orders, on=days.on, limit=PAGE)
    async for customer_id in _customers(db, find):
        async with db.transaction() as tx:
            cancelled += await cancel_unpaid_orders(
                tx, customer_id, on=days.on, booked_on=days.booked_on, now=now
            )
    return cancelled


async def _customers(
    db: Database, find: Callable[..., Awaitable[list[UUID]]]
) -> AsyncGenerator[UUID]:
    """Yield customers page by page, in id order."""
    after = UUID(int=0)
    while page := await _read(db, find, after):
        for customer_id in page:
            yield customer_id
        after = page[-1]


async def _read(
    db: Database, find: Callable[..., Awaitable[list[UUID]]], after: UUID
) -> list[UUID]:
    async with db.reading() as tx:
        return await find(tx, after=after)
