"""Staff tasks as internal tickets: one work list for everything that needs a person."""

from datetime import datetime

from chassis.db import Transaction
from chassis.errors import Text, Value
from chassis.http.models import DateValue, MoneyValue, ProblemValue
from chassis.ids import uuid7
from chassis.money import Money
from contracts.events.billing import StaffTaskRaised
from services.tickets.commands.conversation import record, say
from services.tickets.commands.protocols import insert_with_protocol
from services.tickets.domain import tickets
from services.tickets.domain.people import Author, AuthorKind
from services.tickets.domain.tasks import say_in
from services.tickets.store.departments import find_department
from services.tickets.store.tickets import has_staff_task

SYSTEM = Author(AuthorKind.SYSTEM, None, "Client Area")


async def open_task(
    tx: Transaction,
    task: StaffTaskRaised,
    *,
    fallback_department: str,
    language: str,
    now: datetime,
) -> None:
    """Open the task's internal ticket, once, in the language given."""
    if await has_staff_task(tx, task.task_id):
        return
    known = await find_department(tx, task.department)
    title, details = _said(task, language)
    ticket = tickets.open_task(
        uuid7(),
        customer_id=task.customer_id,
        department=known.slug if known else fallback_department,
        subject=title,
        invoice_id=task.invoice_id,
        now=now,
    )
    ticket = await insert_with_protocol(tx, ticket, staff_task_id=task.task_id)
    await say(tx, ticket, SYSTEM, details, now=now, kind=tickets.MessageKind.NOTE)
    await record(tx, "task.opened", ticket)


def _said(task: StaffTaskRaised, language: str) -> tuple[str, str]:
    """Return title and details in the language, or else in English, as they came."""
    values = {name: _read(value) for name, value in task.values.items()}
    title = say_in(language, Text(task.title_template or "", values))
    details = say_in(language, Text(task.details_template or "", values))
    return title or task.title, details or task.details


def _read(value: ProblemValue) -> Value:
    if isinstance(value, MoneyValue):
        return Money.parse(value.amount, value.currency)
    return value.date if isinstance(value, DateValue) else value
