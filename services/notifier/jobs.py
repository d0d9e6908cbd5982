"""The notifier's steady work: sending mails as soon as they are due."""

import asyncio

import structlog

from chassis.errors import Unavailable
from chassis.jobs import Jobs
from chassis.process import Resources
from services.notifier.settings import MAILS_WAITING
from services.notifier.workflows import POSTAGE, Batch, Postage, send_due_mails

jobs = Jobs()

log = structlog.get_logger("mails")

#: Pauses without work grow from the first to the second. A wake-up starts them anew:
#: it comes just before the commit that it announces.
SHORTEST_PAUSE_SECONDS = 0.005
LONGEST_PAUSE_SECONDS = 1.0
#: Pauses while the mail server can't be used grow from the first to the second.
SHORTEST_OUTAGE_SECONDS = 1.0
LONGEST_OUTAGE_SECONDS = 60.0


@jobs.steadily
async def send_mails(resources: Resources, stopping: asyncio.Event) -> None:
    """Send mails from the moment we are woken, or look for some every second."""
    waiting = resources[MAILS_WAITING]
    idle, outage = SHORTEST_PAUSE_SECONDS, SHORTEST_OUTAGE_SECONDS
    while not stopping.is_set():
        waiting.clear()
        batch = await _send(resources[POSTAGE], stopping)
        if batch.outage is not None:
            await _pause(stopping, outage)
            outage = min(outage * 2, LONGEST_OUTAGE_SECONDS)
            continue
        outage = SHORTEST_OUTAGE_SECONDS
        if batch.size or await _pause(waiting, idle):
            idle = SHORTEST_PAUSE_SECONDS
        else:
            idle = min(idle * 2, LONGEST_PAUSE_SECONDS)


async def _send(postage: Postage, stopping: asyncio.Event) -> Batch:
    """Send a batch; the work goes on whatever happens in one."""
    try:
        return await send_due_mails(postage, stopping=stopping.is_set)
    except* Unavailable as outages:
        log.warning("mails wait for the database", reason=_first(outages))
    except* Exception:
        # The claimed mails come back when their lease ends.
        log.exception("a batch of mails failed")
    await _pause(stopping, LONGEST_PAUSE_SECONDS)
    return Batch(0)


def _first(trouble: Unavailable | ExceptionGroup[Unavailable]) -> str:
    """Return what the first of them says; each lane of a batch may have its own."""
    if isinstance(trouble, ExceptionGroup):
        return _first(trouble.exceptions[0])
    return str(trouble)


async def _pause(until: asyncio.Event, seconds: float) -> bool:
    """Wait for the event, so long at most; return whether it came."""
    try:
        await asyncio.wait_for(until.wait(), timeout=seconds)
    except TimeoutError:
        return False
    return True
