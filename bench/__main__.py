"""Runs every bench, or those named, one after the other, and prints what they found.

`python -m bench [NAME …]`. Each bench is a module here with `async def measure() ->
list[Figure]`, which starts and ends all that it needs: nothing else runs beside it. One
that fails, or takes too long, gets a line that says so, and the others go on. Where all
were run, the table becomes bench/results.md.
"""

import asyncio
import gc
import importlib
import os
import pkgutil
import platform
import sys
import time
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import bench
from bench.report import Failure, Figure, table
from chassis.logs import configure_logs

RESULTS = Path(__file__).with_name("results.md")
#: Then a bench isn't slow but broken.
MOST_SECONDS = 300
#: All together: whoever is left by then isn't run, and fails for want of time.
MOST_SECONDS_OF_ALL = 24 * 60


def main(names: list[str]) -> None:
    configure_logs("bench", "WARNING")
    where, began = heading(), time.monotonic()
    until = began + MOST_SECONDS_OF_ALL
    lines = [line for name in names or all_benches() for line in run(name, until)]
    print(f"all took {time.monotonic() - began:.0f} s\n\n{table(lines)}")
    if not names:
        RESULTS.write_text(f"{where}\n\n{table(lines)}\n")


def run(name: str, until: float) -> Sequence[Figure | Failure]:
    """Run one bench; return its figures, or the failure that it came to."""
    print(f"{name} …", flush=True)
    began = time.monotonic()
    lines = asyncio.run(_measured(name, min(MOST_SECONDS, until - began)))
    gc.collect()
    print(f"{name} took {time.monotonic() - began:.0f} s")
    print(*(each.line for each in lines), sep="\n", flush=True)
    return lines


async def _measured(name: str, seconds: float) -> Sequence[Figure | Failure]:
    row = "-"
    limit = asyncio.timeout(max(seconds, 0))
    try:
        module = _module(name)
        row = (module.__doc__ or "").partition(":")[0]
        async with limit:
            return await module.measure()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the others go on
        traceback.print_exc()
        late = TimeoutError(f"it had {max(seconds, 0):.0f} s")
        return [Failure(row, name, late if limit.expired() else error)]


def all_benches() -> list[str]:
    names = (module.name for module in pkgutil.iter_modules(bench.__path__))
    return sorted(name for name in names if _is_bench(name))


def _is_bench(name: str) -> bool:
    try:
        return name != "__main__" and hasattr(_module(name), "measure")
    except ImportError:
        # It will say so in its line of the table.
        return True


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"bench.{name}")


def heading() -> str:
    """Say where and when this is, and how busy the machine was before."""
    load = os.getloadavg()[0]
    return (
        f"Measured {datetime.now(UTC):%Y-%m-%d %H:%M} UTC on {os.cpu_count()} cores, "
        f"{platform.machine()}, Python {platform.python_version()}, load {load:.1f}."
    )


if __name__ == "__main__":
    main(sys.argv[1:])
