"""Files that are there in full or not at all, and that outlast a power cut."""

import os
from collections.abc import Callable
from pathlib import Path


def write_whole(
    path: Path,
    content: bytes,
    *,
    mode: int = 0o600,
    finish: Callable[[Path], None] | None = None,
) -> None:
    """Write or replace the file; `finish` is done to it before it has its name."""
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        if finish is not None:
            finish(draft)
        sync(draft)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    sync(path.parent)


def sync(path: Path) -> None:
    """Return once the file, or the folder's list of names, is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def reason(fault: OSError) -> str:
    """Say what went wrong: not every such fault has a number and a file."""
    said = fault.strerror or str(fault) or type(fault).__name__
    return f"{fault.filename}: {said}" if fault.filename else said
