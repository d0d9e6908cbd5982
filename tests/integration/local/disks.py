"""Disks of their own, small enough to be filled."""

import subprocess
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

DISK_MEGABYTES = 400


@contextmanager
def mounted() -> Generator[Path]:
    """Yield the folder of a file system of its own."""
    with TemporaryDirectory() as place:
        options = f"size={DISK_MEGABYTES}m,mode=755"
        mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", place]
        try:
            done = subprocess.run(mount, capture_output=True, text=True, check=False)  # noqa: S603 - ours
        except FileNotFoundError:
            pytest.skip("this system has no mount")
        if done.returncode != 0:
            pytest.skip(f"only root may mount: {done.stderr.strip()}")
        yield Path(place)
        subprocess.run(["umount", "--lazy", place], check=True)  # noqa: S603, S607 - ours


def fill(path: Path) -> None:
    """Leave no room on the path's disk."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(1_000_000)):
            pass
