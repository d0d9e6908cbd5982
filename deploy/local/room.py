"""Says it when the disk fills up under a stack that runs, and when that is over."""

import asyncio
from pathlib import Path

from deploy.local.console import Console
from deploy.local.disk import has_room

LOOK_SECONDS = 2.0


async def tell_of_room(folder: Path, console: Console) -> None:
    """Look at the folder's disk for ever."""
    full = False
    while True:
        now_full = not has_room(folder)
        if now_full != full:
            full = now_full
            console.say(_told(folder, full=full))
        await asyncio.sleep(LOOK_SECONDS)


def _told(folder: Path, *, full: bool) -> str:
    if full:
        return (
            f"The disk of {folder} is full: make room. Until then what would be kept is"
            " refused; nothing that was promised is lost."
        )
    return f"There is room again on the disk of {folder}."
