"""What tickets tells operators: who waits for an answer, and what waits for staff."""

from prometheus_client import Gauge

from chassis.clock import Clock
from chassis.db import Transaction
from services.tickets.store.figures import count_staff_tasks, count_waiting

waiting = Gauge(
    "tickets_awaiting_answer", "Tickets whose customer waits for us", ["department"]
)
late = Gauge(
    "tickets_answer_overdue",
    "Tickets whose answer is later than was promised",
    ["department"],
)
tasks = Gauge("staff_tasks_open", "Staff tasks that nobody has done", ["department"])


async def measure(tx: Transaction, clock: Clock) -> None:
    for department, count in (await count_waiting(tx, clock.business_now())).items():
        waiting.labels(department).set(count.waiting)
        late.labels(department).set(count.late)
    for department, count in (await count_staff_tasks(tx)).items():
        tasks.labels(department).set(count)
