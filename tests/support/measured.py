"""What a process that runs inside a test tells of itself."""

from prometheus_client import REGISTRY

from tests.support.running import Running


async def measured(process: Running, name: str, **labels: str) -> float | None:
    """Return a number as `/metrics` tells it now; None if it doesn't."""
    async with process.client.get("/metrics") as answer:
        assert answer.status == 200
        await answer.read()
    return REGISTRY.get_sample_value(name, labels)
