"""Runs every bench, or those named, and writes what they found to bench/results.md.

`python -m bench [NAME …]`. Each bench is a module here with `async def measure(servers)
-> list[Figure]`. The servers are private ones, as durable as in production, unless
TEST_POSTGRES_URL, TEST_AMQP_URL and TEST_AMQP_MANAGEMENT_URL name others.
"""

import asyncio
import importlib
import os
import pkgutil
import platform
import sys
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import bench
from bench.report import Figure, table
from deploy.local.ports import free_ports
from deploy.local.postgres import PrivatePostgres
from deploy.local.rabbitmq import PrivateRabbitMQ
from tests.support.servers import Servers, given_servers

RESULTS = Path(__file__).with_name("results.md")


def main(names: list[str]) -> None:
    figures = asyncio.run(measure(names))
    print(table(figures))
    RESULTS.write_text(f"{heading()}\n\n{table(figures)}\n")


async def measure(names: list[str]) -> list[Figure]:
    figures: list[Figure] = []
    async with servers() as found:
        for name in names:
            print(f"{name} …", flush=True)
            figures += await importlib.import_module(f"bench.{name}").measure(found)
    return figures


def all_benches() -> list[str]:
    found = (module.name for module in pkgutil.iter_modules(bench.__path__))
    return sorted(name for name in found if hasattr(_module(name), "measure"))


def _module(name: str) -> object:
    return None if name == "__main__" else importlib.import_module(f"bench.{name}")


@asynccontextmanager
async def servers() -> AsyncGenerator[Servers]:
    if given := given_servers():
        yield given
        return
    with _folder() as folder:
        postgres = PrivatePostgres(folder / "postgres", free_ports(1)[0])
        rabbitmq = PrivateRabbitMQ(folder / "rabbitmq")
        try:
            await asyncio.gather(postgres.start(), rabbitmq.start())
            yield Servers(postgres.url, rabbitmq.url, rabbitmq.management_url)
        finally:
            await asyncio.gather(postgres.stop(), rabbitmq.stop())
            postgres.home.remove()
            rabbitmq.home.remove()


@contextmanager
def _folder() -> Generator[Path]:
    with tempfile.TemporaryDirectory(prefix="clientarea-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # the servers run as another user where we are root
        yield folder


def heading() -> str:
    load = os.getloadavg()[0]
    return (
        f"Measured {datetime.now(UTC):%Y-%m-%d %H:%M} UTC on {os.cpu_count()} cores, "
        f"{platform.machine()}, Python {platform.python_version()}, load {load:.1f}."
    )


if __name__ == "__main__":
    main(sys.argv[1:] or all_benches())
