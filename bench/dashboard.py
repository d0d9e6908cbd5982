"""P8: the dashboard, which asks all services at once, vs. the slowest of its answers.

One client asks in turns for the dashboard and for each of its panels alone, through
the gateway too, and pauses between: nothing waits behind anything else.
"""

import asyncio
import gc
import json
import statistics
import time
from typing import Any

from bench.product import bearing, first_customer, started
from bench.report import Figure
from tests.e2e.stack import Stack

DASHBOARD = "/dashboard"
#: What it asks for, by the names of its panels.
PANELS = {
    "contact": "/me",
    "services": "/services?count=true&limit=5",
    "domains": "/domains?count=true&limit=5",
    "open_invoices": "/invoices/outstanding",
    "tickets": "/tickets?closed=false&count=true&limit=5",
    "news": "/news?limit=5",
}
#: Which member of which panel says how many there are.
COUNTED = {
    "services": ("services", "total"),
    "domains": ("domains", "total"),
    "open_invoices": ("open_invoices", "invoices"),
    "open_tickets": ("tickets", "total"),
}
ROUNDS = 300
WARM_UP_ROUNDS = 30
PAUSE_SECONDS = 0.005
MOST_RATIO = 2.0


async def measure() -> list[Figure]:
    async with started() as stack:
        headers = bearing(await first_customer(stack))
        await _check(stack, headers)
        for _ in range(WARM_UP_ROUNDS):
            await _round(stack, headers)
        gc.collect()
        rounds = [await _round(stack, headers) for _ in range(ROUNDS)]
        await _check(stack, headers)
    middle = {
        path: statistics.median(each[path] for each in rounds) for path in rounds[0]
    }
    dashboard = middle.pop(DASHBOARD)
    slowest = max(middle, key=middle.__getitem__)
    return [
        Figure(
            row="P8",
            what=f"dashboard p50, against `{slowest.partition('?')[0]}` alone",
            value=dashboard,
            unit="ms",
            limit=middle[slowest],
            target=f"≤ {MOST_RATIO:.1f}",
            holds=dashboard / middle[slowest] <= MOST_RATIO,
        )
    ]


async def _round(stack: Stack, headers: dict[str, str]) -> dict[str, float]:
    """Return how many milliseconds each took."""
    took: dict[str, float] = {}
    for path in (DASHBOARD, *PANELS.values()):
        began = time.perf_counter()
        await _ask(stack, path, headers)
        took[path] = (time.perf_counter() - began) * 1000
        await asyncio.sleep(PAUSE_SECONDS)
    return took


async def _ask(stack: Stack, path: str, headers: dict[str, str]) -> bytes:
    url = f"{stack.demo['gateway']}/api/v1{path}"
    async with stack.http.get(url, headers=headers) as answer:
        answer.raise_for_status()
        return await answer.read()


async def _check(stack: Stack, headers: dict[str, str]) -> None:
    """See that the dashboard says what its panels say when they are asked alone."""
    whole = json.loads(await _ask(stack, DASHBOARD, headers))
    panels: dict[str, Any] = {
        name: json.loads(await _ask(stack, path, headers))
        for name, path in PANELS.items()
    }
    said: dict[str, Any] = {
        name: panels[name]["items"]
        for name in ("services", "domains", "tickets", "news")
    }
    said["contact"] = panels["contact"]
    said["counts"] = {
        name: panels[panel][member] for name, (panel, member) in COUNTED.items()
    }
    said["unavailable"] = []
    if whole != said:
        raise RuntimeError(f"the dashboard says {whole}, its panels {said}")
