"""What a daily run finds due, in bounded pages, and what is kept of each run."""

from dataclasses import asdict
from datetime import date, datetime
from typing import NotRequired, TypedDict
from uuid import UUID

from chassis.context import current_cause
from chassis.db import Record, Transaction
from chassis.errors import NotFound
from services.billing.domain.runs import Due, Failure, Report, Run, Step

#: Sorts before everything that can be due.
START = Due(date.min, UUID(int=0))


class _FailureJson(TypedDict):
    """A failure as it is kept."""

    step: str
    customer_id: str
    problem: str
    passing: bool


class _ReportJson(TypedDict):
    """A report as it is kept; those of early runs know no failures."""

    issued: int
    credit_applied: int
    orders_cancelled: int
    customers_failed: NotRequired[int]
    failures: NotRequired[list[_FailureJson]]


async def list_due(
    tx: Transaction, *, through: date, after: Due, limit: int
) -> list[tuple[Due, bool]]:
    """Return the next page of renewals due, in date order, and if any isn't invoiced.

    What is invoiced already is on the page too, or a page could take for ever.
    """
    rows = await tx.fetch(
        """
        SELECT s.next_due_on, s.customer_id, bool_or(NOT EXISTS (
                   SELECT FROM service_periods p
                   WHERE p.service_id = s.id AND p.starts_on = s.next_due_on
               )) AS wanted
        FROM services s
        WHERE s.status IN ('active', 'suspended') AND s.next_due_on <= $1
          AND (s.next_due_on, s.customer_id) > ($2, $3)
          AND (s.cancel_on IS NULL OR s.cancel_on > s.next_due_on)
        GROUP BY s.next_due_on, s.customer_id
        ORDER BY s.next_due_on, s.customer_id LIMIT $4
        """,
        through,
        after.due_on,
        after.customer_id,
        limit,
    )
    return [
        (Due(row["next_due_on"], row["customer_id"]), row["wanted"]) for row in rows
    ]


async def list_customers_with_credit_due(
    tx: Transaction, *, on: date, after: UUID, limit: int
) -> list[UUID]:
    """Return customers, in id order, with credit and an invoice that is due for it."""
    rows = await tx.fetch(
        """
        SELECT DISTINCT i.customer_id
        FROM invoices i
        JOIN balances b ON b.customer_id = i.customer_id AND b.currency = i.currency
             AND b.kind = 'customer_credit' AND b.balance_minor > 0
        WHERE i.status = 'open' AND i.kind = 'service' AND i.due_on <= $1
          AND i.customer_id > $2
          AND NOT EXISTS (SELECT FROM held_back_invoices h WHERE h.invoice_id = i.id)
        ORDER BY i.customer_id LIMIT $3
        """,
        on,
        after,
        limit,
    )
    return [row["customer_id"] for row in rows]


async def list_customers_with_unpaid_orders(
    tx: Transaction, *, on: date, after: UUID, limit: int
) -> list[UUID]:
    """Return customers, in id order, with an order that is past its time."""
    rows = await tx.fetch(
        """
        SELECT DISTINCT o.customer_id
        FROM orders o JOIN invoices i ON i.order_id = o.id
        WHERE o.status = 'pending' AND o.expires_on <= $1
          AND i.status IN ('draft', 'open') AND o.customer_id > $2
          AND NOT EXISTS (SELECT FROM held_back_invoices h WHERE h.invoice_id = i.id)
        ORDER BY o.customer_id LIMIT $3
        """,
        on,
        after,
        limit,
    )
    return [row["customer_id"] for row in rows]


async def list_unpaid_invoices(
    tx: Transaction, customer_id: UUID, *, on: date
) -> list[UUID]:
    """Return the invoices of the customer's orders that are past their time."""
    rows = await tx.fetch(
        """
        SELECT i.id
        FROM orders o JOIN invoices i ON i.order_id = o.id
        WHERE o.customer_id = $1 AND o.status = 'pending' AND o.expires_on <= $2
          AND i.status IN ('draft', 'open')
          AND NOT EXISTS (SELECT FROM held_back_invoices h WHERE h.invoice_id = i.id)
        ORDER BY o.expires_on, o.id
        """,
        customer_id,
        on,
    )
    return [row["id"] for row in rows]


async def insert_run(tx: Transaction, run: Run) -> None:
    await tx.execute(
        """
        INSERT INTO billing_runs (id, run_on, started_at, finished_at, report, cause_id)
        VALUES ($1, $2, $3, $4, $5, $6)
        """,
        run.id,
        run.on,
        run.started_at,
        run.finished_at,
        {**asdict(run.report), "failures": [asdict(each) for each in run.failures]},
        current_cause().cause_id,
    )


async def get_run(tx: Transaction, run_id: UUID) -> Run:
    row = await tx.fetchrow(
        """
        SELECT id, run_on, started_at, finished_at, report FROM billing_runs
        WHERE id = $1
        """,
        run_id,
    )
    if row is None:
        raise NotFound
    return _run(row)


async def find_last_run(tx: Transaction) -> Run | None:
    return next(iter(await list_runs(tx, before=None, limit=1)), None)


async def list_runs(
    tx: Transaction, *, before: tuple[datetime, UUID] | None, limit: int
) -> list[Run]:
    """Return the newest first, from where a page before ended."""
    rows = await tx.fetch(
        """
        SELECT id, run_on, started_at, finished_at, report FROM billing_runs
        WHERE $1::timestamptz IS NULL OR (started_at, id) < ($1, $2)
        ORDER BY started_at DESC, id DESC LIMIT $3
        """,
        *(before or (None, None)),
        limit,
    )
    return [_run(row) for row in rows]


async def count_runs(tx: Transaction) -> int:
    return await tx.fetchval("SELECT count(*) FROM billing_runs")


def _run(row: Record) -> Run:
    report: _ReportJson = row["report"]
    return Run(
        id=row["id"],
        on=row["run_on"],
        started_at=row["started_at"],
        finished_at=row["finished_at"],
        report=Report(
            issued=report["issued"],
            credit_applied=report["credit_applied"],
            orders_cancelled=report["orders_cancelled"],
            customers_failed=report.get("customers_failed", 0),
        ),
        failures=tuple(_failure(each) for each in report.get("failures", ())),
    )


def _failure(kept: _FailureJson) -> Failure:
    return Failure(
        step=Step(kept["step"]),
        customer_id=UUID(kept["customer_id"]),
        problem=kept["problem"],
        passing=kept["passing"],
    )
