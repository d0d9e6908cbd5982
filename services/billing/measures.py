"""What billing tells operators about its money: counts alone, never sums."""

from dataclasses import asdict
from datetime import datetime, time, timedelta

from prometheus_client import Counter, Gauge

from chassis.clock import Clock
from chassis.db import Transaction
from chassis.metrics import expect
from services.billing.domain.payments import PaymentMethod, PaymentStatus
from services.billing.domain.runs import Report, Run
from services.billing.domain.seals import least_id
from services.billing.store import figures

RECENT = timedelta(days=1)
#: What adds up over runs; whom one leaves out, the next one leaves out again.
CHANGES = tuple(name for name in asdict(Report()) if name != "customers_failed")

payments = Gauge(
    "payments_recent",
    "Payments begun within the last day, by what has become of them",
    ["method", "status"],
)
oldest_payment = Gauge(
    "payments_unresolved_oldest_seconds",
    "Age of the oldest payment that waits for its money or for finance",
    ["status"],
)
overdue_invoices = Gauge("invoices_overdue", "Open invoices past their due date")
run_changes = Counter(
    "billing_run_changes", "What the daily run did, by kind", ["change"]
)
run_day = Gauge(
    "billing_run_last_day_timestamp_seconds",
    "The last business day, at its first instant, that the daily run dealt with",
)
customers_left_out = Gauge(
    "billing_run_customers_failed",
    "Customers whom the last daily run could not deal with",
)

for change in CHANGES:
    expect(run_changes, change)


def note_run(run: Run, clock: Clock) -> None:
    """Count what a run did, and note the day that it dealt with."""
    done = asdict(run.report)
    for change in CHANGES:
        run_changes.labels(change).inc(done[change])
    midnight = datetime.combine(run.on, time.min, clock.zone)
    run_day.set(midnight.timestamp())


async def measure(tx: Transaction, clock: Clock) -> None:
    await _measure_payments(tx, clock)
    overdue_invoices.set(await figures.count_overdue_invoices(tx, clock.today()))
    customers_left_out.set(await figures.count_customers_failed(tx))


async def _measure_payments(tx: Transaction, clock: Clock) -> None:
    now = clock.now()
    counts = await figures.count_payments_since(tx, least_id(now - RECENT))
    for method in PaymentMethod:
        for status in PaymentStatus:
            payments.labels(method, status).set(counts.get((method, status), 0))
    oldest = await figures.list_oldest_unresolved(tx)
    for status in (PaymentStatus.AWAITING_CONFIRMATION, PaymentStatus.CLEARING):
        since = oldest.get(status)
        age = clock.business_now() - since if since else timedelta()
        oldest_payment.labels(status).set(age.total_seconds())
