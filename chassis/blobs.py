"""A store for large things that rows and events only refer to: a folder of files."""

import asyncio
import errno
import os
import re
from pathlib import Path

import structlog

from chassis.errors import NotFound, Unavailable
from chassis.ids import uuid7

#: The disk is full, or our share of it is.
NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})

log = structlog.get_logger("blobs")

_KEY = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{7,127}", re.ASCII)


class StorageFull(Unavailable):
    """There is no room for files right now; try again later."""


class Blobs:
    """Content by key; keys are made by us and never come from a user's file name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, key: str, content: bytes) -> None:
        """Store the content; after a crash it is there in full, or not at all.

        Raises StorageFull where there is no room; nothing of it stays then.
        """
        try:
            await asyncio.to_thread(_write, self._path(key), content)
        except OSError as fault:
            if fault.errno not in NO_ROOM:
                raise
            log.error("no room for blobs", folder=str(self._folder))  # noqa: TRY400 - the line says it all
            raise StorageFull from fault

    async def get(self, key: str) -> bytes:
        """Return the content, or raise NotFound."""
        try:
            return await asyncio.to_thread(self._path(key).read_bytes)
        except FileNotFoundError:
            raise NotFound("no content is stored as {key}", key=key) from None

    async def delete(self, key: str) -> None:
        """Remove the content; removing it twice changes nothing."""
        await asyncio.to_thread(self._path(key).unlink, missing_ok=True)

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise ValueError(f"{key!r} is not a key")
        # The last characters of a UUIDv7 are its random ones: they spread evenly.
        return self._folder / key[-2:] / key


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid7()}")
    try:
        with draft.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
