"""Staff tasks as internal tickets: one work list for everything that needs a person."""

from datetime import datetime

from chassis.db import Transaction
from chassis.ids import uuid7
from contracts.events.billing import StaffTaskRaised
from services.tickets.commands.conversation import record, say
from services.tickets.commands.protocols import insert_with_protocol
from services.tickets.domain import tickets
from services.tickets.domain.people import Author, AuthorKind
from services.tickets.store.departments import find_department
from services.tickets.store.tickets import has_staff_task

SYSTEM = Author(AuthorKind.SYSTEM, None, "Client Area")


async def open_task(
    tx: Transaction, task: StaffTaskRaised, *, fallback_department: str, now: datetime
) -> None:
    """Open the task's internal ticket, once."""
    if await has_staff_task(tx, task.task_id):
        return
    known = await find_department(tx, task.department)
    ticket = tickets.open_task(
        uuid7(),
        customer_id=task.customer_id,
        department=known.slug if known else fallback_department,
        subject=task.title,
        invoice_id=task.invoice_id,
        now=now,
    )
    ticket = await insert_with_protocol(tx, ticket, staff_task_id=task.task_id)
    await say(tx, ticket, SYSTEM, task.details, now=now, kind=tickets.MessageKind.NOTE)
    await record(tx, "task.opened", ticket)
