"""The daily run, from its first chunk to its report; each chunk commits by itself.

What goes wrong for one customer stops nobody else's part: it is undone, kept among the
run's failures, and tried again by the next run.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from uuid import UUID

import structlog

from chassis.clock import Clock
from chassis.db import Database, DatabaseAway, Transaction
from chassis.errors import DomainError, Unavailable
from chassis.ids import uuid7
from services.billing.commands.credit import take_credit_on_due_date
from services.billing.commands.orders import cancel_unpaid_orders
from services.billing.commands.runs import Renewed, issue_renewals
from services.billing.domain.credit import CreditTerms
from services.billing.domain.runs import Days, Due, Failure, Report, Run, Step
from services.billing.domain.terms import Terms
from services.billing.store import runs

#: How many customers are looked up at once, to be dealt with one by one.
PAGE = 500
#: How many (due date, customer) pairs one transaction renews.
CHUNK = 1000
#: More than these have no cause of their own: something is wrong with all of them.
MAXIMUM_FAILURES = 50

log = structlog.get_logger("runs")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Day:
    """What a run goes by, and for whom something went wrong so far."""

    db: Database
    days: Days
    terms: Terms
    credit_terms: CreditTerms
    now: datetime
    failures: dict[tuple[Step, UUID], Failure] = field(
        default_factory=dict[tuple[Step, UUID], Failure]
    )

    def failed(self, step: Step, customer_id: UUID) -> bool:
        return (step, customer_id) in self.failures

    def note(self, step: Step, customer_id: UUID, error: Exception) -> None:
        """Keep a customer's failure; too many of them are the run's, and raised."""
        if len(self.failures) >= MAXIMUM_FAILURES:
            raise error
        log.error(
            "a step failed for a customer",
            step=step,
            customer_id=str(customer_id),
            exc_info=error,
        )
        failure = Failure(
            step=step,
            customer_id=customer_id,
            # Other errors' texts may hold what is nobody's business.
            problem=str(error)
            if isinstance(error, DomainError)
            else type(error).__name__,
            passing=isinstance(error, Unavailable),
        )
        self.failures[failure.key] = failure


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
    day = _Day(db=db, days=days, terms=terms, credit_terms=credit_terms, now=started_at)
    report = Report()
    # Credit that pays one period can bring the next one within the lead: go round
    # until nothing is due any more.
    while done := await _renew_and_collect(day):
        report += done
    report += Report(
        orders_cancelled=await _cancel_orders(day),
        customers_failed=len(
            {failure.customer_id for failure in day.failures.values()}
        ),
    )
    return Run(
        id=uuid7(),
        on=days.on,
        started_at=started_at,
        finished_at=clock.business_now(),
        report=report,
        failures=tuple(day.failures.values()),
    )


async def _renew_and_collect(day: _Day) -> Report:
    return Report(
        issued=await _issue_renewals(day), credit_applied=await _take_credit(day)
    )


async def _issue_renewals(day: _Day) -> int:
    """Issue what falls due; come back once for customers that were being dealt with."""
    done = await _walk(day, wait=False)
    if done.busy:
        done += await _walk(day, wait=True)
    return done.issued


async def _walk(day: _Day, *, wait: bool) -> Renewed:
    done = Renewed()
    through = day.terms.issues_through(day.days.on)
    after = runs.START
    while page := await _list_due(day.db, through=through, after=after):
        due = [
            each
            for each, to_invoice in page
            if to_invoice and not day.failed(Step.RENEWAL, each.customer_id)
        ]
        done += await _renew(day, due, wait=wait)
        after = page[-1][0]
    return done


async def _renew(day: _Day, due: Sequence[Due], *, wait: bool) -> Renewed:
    """Renew all of them at once; where that fails, halve them to find whose fault."""
    if not due:
        return Renewed()
    try:
        async with day.db.transaction() as tx:
            return await issue_renewals(
                tx, due, wait=wait, terms=day.terms, days=day.days, now=day.now
            )
    except DatabaseAway:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, it isn't the others'
        if len(due) == 1:
            day.note(Step.RENEWAL, due[0].customer_id, error)
            return Renewed()
    middle = len(due) // 2
    done = await _renew(day, due[:middle], wait=wait)
    return done + await _renew(day, due[middle:], wait=wait)


async def _take_credit(day: _Day) -> int:
    async def take(tx: Transaction, customer_id: UUID) -> int:
        paid = await take_credit_on_due_date(
            tx,
            customer_id,
            terms=day.credit_terms,
            on=day.days.on,
            booked_on=day.days.booked_on,
            now=day.now,
        )
        return len(paid)

    find = partial(runs.list_customers_with_credit_due, on=day.days.on, limit=PAGE)
    return await _one_by_one(day, Step.CREDIT, find, take)


async def _cancel_orders(day: _Day) -> int:
    async def cancel(tx: Transaction, customer_id: UUID) -> int:
        days = day.days
        return await cancel_unpaid_orders(
            tx, customer_id, on=days.on, booked_on=days.booked_on, now=day.now
        )

    find = partial(runs.list_customers_with_unpaid_orders, on=day.days.on, limit=PAGE)
    return await _one_by_one(day, Step.CANCELLATION, find, cancel)


async def _one_by_one(
    day: _Day,
    step: Step,
    find: Callable[..., Awaitable[list[UUID]]],
    do: Callable[[Transaction, UUID], Awaitable[int]],
) -> int:
    """Do a step for each customer that is found; return how much it did."""
    done = 0
    async for customer_id in _customers(day.db, find):
        if day.failed(step, customer_id):
            continue
        try:
            async with day.db.transaction() as tx:
                count = await do(tx, customer_id)
        except DatabaseAway:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, others go on
            day.note(step, customer_id, error)
        else:
            done += count
    return done


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


async def _list_due(
    db: Database, *, through: date, after: Due
) -> list[tuple[Due, bool]]:
    async with db.reading() as tx:
        return await runs.list_due(tx, through=through, after=after, limit=CHUNK)
