"""Moving the sandbox's business clock, for every process."""

from datetime import timedelta
from uuid import UUID

from chassis import audit, clockshift
from chassis.db import Transaction
from contracts.events import billing

#: There is one business clock.
CLOCK_ID = UUID("01900000-0000-7000-8000-00000000c10c")


async def move_clock(tx: Transaction, shift: timedelta) -> None:
    """Shift business time from real time, here and wherever the event is read."""
    seconds = shift.total_seconds()
    version = await clockshift.move(tx, seconds)
    await tx.emit(
        billing.ClockMoved(clock_id=CLOCK_ID, version=version, shift_seconds=seconds)
    )
    await audit.record(
        tx, "clock.moved", subject=CLOCK_ID, details={"shift_seconds": seconds}
    )
