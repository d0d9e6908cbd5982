"""What a process that runs inside a test tells of itself."""

from prometheus_client import REGISTRY

from chassis.clock import Clock
from chassis.db import Database
from chassis.samples import Measure
from tests.support.running import Running


async def measured(process: Running, name: str, **labels: str) -> float | None:
    """Return a number as `/metrics` tells it now; None if it doesn't."""
    async with process.client.get("/metrics") as answer:
        assert answer.status == 200
        await answer.read()
    return told(name, **labels)


async def measure_by(measure: Measure, db: Database, clock: Clock) -> None:
    """Let a service take its own numbers now."""
    async with db.reading() as tx:
        await measure(tx, clock)


def told(name: str, **labels: str) -> float | None:
    """Return the number that was taken last."""
    return REGISTRY.get_sample_value(name, labels)
