"""Keeps programs and servers running: in order up, in order down, up again if one dies.

Whatever is kept here is tied to this process by the kernel (see tether.py), so that a
`kill -9` of it leaves nothing behind; the supervisor itself handles every kinder end.
"""

import asyncio
import math
import time
from collections.abc import Coroutine
from typing import Protocol, Self

from deploy.local.console import Console
from deploy.local.disk import reason
from deploy.local.faults import CannotStart
from deploy.local.waiting import poll

WATCH_SECONDS = 0.2
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 10.0
#: Whatever lived this long starts with the first pause again.
STEADY_SECONDS = 10.0


class Unit(Protocol):
    """Something that runs: a server of ours or a process of the product."""

    @property
    def name(self) -> str: ...
    @property
    def alive(self) -> bool: ...
    async def start(self) -> None: ...
    async def stop(self) -> None: ...


class Supervisor:
    """Keeps units alive from `keep` on; its end stops them, the last kept first."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._kept: list[tuple[Unit, ...]] = []
        self._watchers = asyncio.TaskGroup()
        self._watching: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        await self._watchers.__aenter__()
        return self

    async def __aexit__(self, *_fault: object) -> None:
        for watcher in self._watching:
            watcher.cancel()
        for units in reversed(self._kept):
            await asyncio.gather(*(unit.stop() for unit in units))
        # The group isn't told of a fault outside: it would wrap it in one of its own.
        await self._watchers.__aexit__(None, None, None)

    async def keep(self, *units: Unit) -> None:
        """Start these at once, wait until all are ready, and keep them alive."""
        self._kept.append(units)  # first: what is half-started must stop too
        await at_once(*(self._start(unit) for unit in units))
        for unit in units:
            self.beside(self._watch(unit))

    def beside(self, work: Coroutine[None, None, None]) -> None:
        """Do this as well, until the end."""
        self._watching.append(self._watchers.create_task(work))

    async def _start(self, unit: Unit) -> None:
        with self._console.timing(unit.name):
            await unit.start()

    async def _watch(self, unit: Unit) -> None:
        pause, fault = FIRST_PAUSE_SECONDS, ""
        while True:
            if await self._lifetime(unit) > STEADY_SECONDS:
                pause = FIRST_PAUSE_SECONDS
            if not fault:
                self._console.say(
                    f"{unit.name} ended; starting it again in {pause:.1f} s"
                )
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            fault = await self._try_to_start(unit, fault)

    async def _try_to_start(self, unit: Unit, before: str) -> str:
        """Return what keeps it from starting; said unless that was so before."""
        try:
            await self._start(unit)
        except CannotStart as fault:
            said = str(fault)
        except OSError as fault:
            said = f"{unit.name} did not start: {reason(fault)}"
        else:
            return ""
        if said != before:
            self._console.say(f"{said}\nIt is tried again and again.")
        return said

    async def _lifetime(self, unit: Unit) -> float:
        """Wait until it has died; return how long that took."""
        began = time.monotonic()
        await poll(lambda: not unit.alive, within=math.inf, every=WATCH_SECONDS)
        return time.monotonic() - began


async def at_once(*work: Coroutine[None, None, None]) -> None:
    """Do all of this at the same time; the first fault ends the rest."""
    try:
        async with asyncio.TaskGroup() as group:
            for each in work:
                group.create_task(each)
    except ExceptionGroup as faults:
        raise faults.exceptions[0] from faults
