"""What accounts does about other processes' events."""

from chassis.clockshift import save_shift
from chassis.consumers import Consumers, Delivery
from chassis.db import Transaction
from contracts.events import billing

consumers = Consumers("accounts")


@consumers.on(billing.ClockMoved)
async def on_clock_moved(
    tx: Transaction, event: billing.ClockMoved, _delivery: Delivery
) -> None:
    await save_shift(tx, event.shift_seconds, version=event.version)
