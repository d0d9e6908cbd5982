"""Moving the sandbox's business clock, for every process."""

from datetime import timedelta
from uuid import UUID

from chassis import audit
from chassis.clockshift import save_shift
from chassis.db import Transaction
from contracts.events import billing
from services.billing.store.clock import next_version

#: There is one business clock.
CLOCK_ID = UUID("01900000-0000-7000-8000-00000000c10c")


async def move_clock(tx: Transaction, shift: timedelta) -> None:
    """Shift business time from real time, here and wherever the event is read."""
    seconds = shift.total_seconds()
    # This locks the clock's row, so that versions are drawn in the order of the moves.
    await save_shift(tx, seconds)
    moved = billing.ClockMoved(
        clock_id=CLOCK_ID, version=await next_version(tx), shift_seconds=seconds
    )
    await tx.emit(moved)
    await audit.record(
        tx, "clock.moved", subject=CLOCK_ID, details={"shift_seconds": seconds}
    )
