"""What ends a chore early, and what goes on to its end nevertheless."""

import asyncio
import signal
from collections.abc import Coroutine

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def interrupt_on_signals() -> None:
    """Let `docker stop` and a lost terminal do what Ctrl-C does, to any chore."""
    for number in _heeded():
        signal.signal(number, signal.default_int_handler)


def cancel_on_signals() -> None:
    """Let them cancel the running task, which then undoes what it began."""
    task = asyncio.current_task()
    if task is None:
        return
    loop = asyncio.get_running_loop()
    for number in _heeded():
        loop.add_signal_handler(number, task.cancel)


async def to_its_end(work: Coroutine[None, None, None]) -> None:
    """Do it whatever signals come meanwhile."""
    task = asyncio.ensure_future(work)
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            continue  # the caller ends anyway, after this
    task.result()


def _heeded() -> list[signal.Signals]:
    """Return those that nobody, such as `nohup`, had us ignore."""
    return [each for each in SIGNALS if signal.getsignal(each) is not signal.SIG_IGN]
