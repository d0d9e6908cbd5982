"""What can be done to tickets: load, decide, save, announce; all in the given `tx`."""

from services.tickets.commands.conversation import (
    add_note,
    answer_ticket,
    close_ticket,
    open_ticket,
    reopen_ticket,
    reply_to_ticket,
    require_department,
)
from services.tickets.commands.payments import confirm_payment
from services.tickets.commands.states import current_states
from services.tickets.commands.tasks import open_task

__all__ = [
    "add_note",
    "answer_ticket",
    "close_ticket",
    "confirm_payment",
    "current_states",
    "open_task",
    "open_ticket",
    "reopen_ticket",
    "reply_to_ticket",
    "require_department",
]
