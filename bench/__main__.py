"""Runs every bench, or those named, and writes what they found to bench/results.md.

`python -m bench [NAME …]`. Each bench is a module here with `async def measure() ->
list[Figure]`, which starts and ends all that it needs: nothing else runs beside it.
"""

import asyncio
import importlib
import os
import pkgutil
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

import bench
from bench.report import Figure, table

RESULTS = Path(__file__).with_name("results.md")


def main(names: list[str]) -> None:
    where = heading()
    figures = asyncio.run(measure(names))
    print(table(figures))
    RESULTS.write_text(f"{where}\n\n{table(figures)}\n")


async def measure(names: list[str]) -> list[Figure]:
    figures: list[Figure] = []
    for name in names:
        print(f"{name} …", flush=True)
        figures += await importlib.import_module(f"bench.{name}").measure()
    return figures


def all_benches() -> list[str]:
    found = (module.name for module in pkgutil.iter_modules(bench.__path__))
    return sorted(name for name in found if hasattr(_module(name), "measure"))


def _module(name: str) -> object:
    return None if name == "__main__" else importlib.import_module(f"bench.{name}")


def heading() -> str:
    """Say where and when this is, and how busy the machine was before."""
    load = os.getloadavg()[0]
    return (
        f"Measured {datetime.now(UTC):%Y-%m-%d %H:%M} UTC on {os.cpu_count()} cores, "
        f"{platform.machine()}, Python {platform.python_version()}, load {load:.1f}."
    )


if __name__ == "__main__":
    main(sys.argv[1:] or all_benches())
