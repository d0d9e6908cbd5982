"""P12: what the five processes cost while nobody asks anything of them.

Memory is what they take together: a page that several share, such as a library's code,
counts once (the kernel's `pss`), so that the sum is what the machine would get back.
"""

import asyncio
import time
from collections.abc import Sequence

import psutil

from bench.product import started
from bench.report import Figure, progress
from tests.e2e.stack import PROCESSES, Product

#: By then the demo's events are handled, and its mails are sent.
SETTLE_SECONDS = 30
MEASURED_SECONDS = 60
MOST_MEGABYTES = 400
MOST_PERCENT = 2


async def measure() -> list[Figure]:
    async with started() as stack:
        processes = [_process(stack.product, name) for name in PROCESSES]
        await asyncio.sleep(SETTLE_SECONDS)
        progress(f"idle for {MEASURED_SECONDS} s")
        percent = await _percent_of_a_core(processes)
        megabytes = sum(_resident_bytes(process) for process in processes) / 2**20
    return [
        _figure("resident together", megabytes, "MB", MOST_MEGABYTES),
        _figure("of one core, together", percent, "%", MOST_PERCENT),
    ]


def _figure(what: str, value: float, unit: str, most: float) -> Figure:
    return Figure(
        row="P12",
        what=f"five idle processes, {what}",
        value=value,
        unit=unit,
        target=f"≤ {most} {unit}",
        holds=value <= most,
    )


def _process(product: Product, name: str) -> psutil.Process:
    pid = product.pid(name)
    if pid is None:
        raise RuntimeError(f"{name} isn't running")
    return psutil.Process(pid)


async def _percent_of_a_core(processes: Sequence[psutil.Process]) -> float:
    spent, began = _cpu_seconds(processes), time.monotonic()
    await asyncio.sleep(MEASURED_SECONDS)
    seconds = time.monotonic() - began
    return (_cpu_seconds(processes) - spent) / seconds * 100


def _cpu_seconds(processes: Sequence[psutil.Process]) -> float:
    times = [process.cpu_times() for process in processes]
    return sum(each.user + each.system for each in times)


def _resident_bytes(process: psutil.Process) -> int:
    return process.memory_full_info().pss
