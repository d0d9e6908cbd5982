"""Files that are there in full or not at all; whether a disk has room for more."""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from deploy.local.faults import CannotStart

#: With less, RabbitMQ takes no messages (its limit is 50 MB), and Postgres may not
#: find room for the next file of its log.
LEAST_ROOM_BYTES = 64_000_000


def write_whole(
    path: Path,
    content: bytes,
    *,
    mode: int = 0o600,
    finish: Callable[[Path], None] | None = None,
) -> None:
    """Write or replace the file; `finish` is done to it before it has its name.

    Raises CannotStart where it can't be written; it stays as it was then.
    """
    draft = path.with_name(f".{path.name}.new")
    try:
        draft.unlink(missing_ok=True)
        _write(draft, content, mode)
        if finish is not None:
            finish(draft)
        draft.replace(path)
        sync(path.parent)
    except OSError as fault:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise CannotStart(
            f"{path} can't be written: {fault.strerror or fault}."
        ) from None


def _write(draft: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def sync(path: Path) -> None:
    """Return once the file, or the folder's list of names, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def has_room(folder: Path) -> bool:
    """Tell whether servers can go on writing there."""
    return shutil.disk_usage(folder).free >= LEAST_ROOM_BYTES


def require_room(folder: Path) -> None:
    """Refuse a disk on which no server could start."""
    if not has_room(folder):
        raise CannotStart(
            f"The disk of {folder} is full: make room, of"
            f" {LEAST_ROOM_BYTES // 1_000_000} MB or more."
        )


def reason(fault: OSError) -> str:
    """Say what went wrong: not every such fault has a number and a file."""
    said = fault.strerror or str(fault) or type(fault).__name__
    return f"{fault.filename}: {said}" if fault.filename else said
