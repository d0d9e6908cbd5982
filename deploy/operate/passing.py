"""Runs a service's own command with what `make run` tells that service."""

import asyncio
import os
import signal
import sys
from collections.abc import Sequence

from deploy.local.datafolder import DataFolder
from deploy.local.demo.company import company
from deploy.local.environments import ADDRESSES, Addresses, environments
from deploy.local.keys import FILE, Keys
from deploy.local.tether import tethered
from deploy.operate.awake import awake
from deploy.operate.faults import CannotOperate
from deploy.operate.stopping import cancel_on_signals

#: What a service can be told to do that takes the broker.
WITH_BROKER = frozenset(("dead-letters", "migrate", "serve"))
#: A process that serves takes so long to stop at the most.
STOP_SECONDS = 30


async def service_command(name: str, arguments: Sequence[str]) -> int:
    """Run `python -m services.NAME …`; return its exit code."""
    cancel_on_signals()
    data = DataFolder.from_environment()
    addresses = data.read(ADDRESSES, Addresses) if data.is_ours else None
    keys = data.read(FILE, Keys) if data.is_ours else None
    if addresses is None or keys is None:
        raise CannotOperate(
            f"There is no `make run` in {data.path}. In containers, the service's own"
            f" has all it needs: docker compose exec {name}"
            f" python -m services.{name} {' '.join(arguments)}"
        )
    async with awake(data, addresses) as servers:
        if WITH_BROKER.intersection(arguments[:1]):
            await servers.wake_broker()
        told = environments(servers.addresses, keys, company(), data.blobs)[name]
        return await _run([sys.executable, "-m", f"services.{name}", *arguments], told)


async def _run(command: Sequence[str], told: dict[str, str]) -> int:
    """Run it to its end, or stop it as we are stopped; its servers outlive it."""
    process = await asyncio.create_subprocess_exec(
        *tethered(command, death_signal=signal.SIGTERM), env={**os.environ, **told}
    )
    try:
        return await process.wait()
    except BaseException:
        if process.returncode is None:
            process.terminate()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
        raise
