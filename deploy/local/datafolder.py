"""The one folder that holds all of a stack: servers' files, keys, ports and logs."""

import fcntl
import os
import shutil
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter
from pydantic_core import to_json

from deploy.local.disk import require_room, write_whole
from deploy.local.faults import CannotStart
from deploy.local.ports import free_ports, is_free

PROJECT = Path(__file__).resolve().parents[2]
#: Says that a folder is ours, so that nothing else is ever emptied.
MARK = "clientarea"

T_ = TypeVar("T_")


class DataFolder:
    """What one stack keeps between its runs."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()

    @classmethod
    def from_environment(cls) -> "DataFolder":
        return cls(Path(os.environ.get("CLIENTAREA_DATA") or PROJECT / ".data"))

    @property
    def blobs(self) -> Path:
        """Where attachments and their kind are kept."""
        return self.path / "blobs"

    @property
    def is_ours(self) -> bool:
        return (self.path / MARK).exists()

    def make(self) -> None:
        """Create it, or refuse a folder that isn't ours."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if not self.is_ours and any(self.path.iterdir()):
                raise CannotStart(
                    f"{self.path} holds other files: name an empty folder, or one that"
                    " doesn't exist yet, in CLIENTAREA_DATA."
                )
            (self.path / MARK).touch()
        except OSError as fault:
            raise CannotStart(
                f"{self.path} can't be written ({fault.strerror}): name another folder"
                " in CLIENTAREA_DATA."
            ) from fault
        require_room(self.path)

    @contextmanager
    def held(self) -> Generator[None]:
        """Keep every other run out of this folder."""
        with (self.path / MARK).open("r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise CannotStart(
                    f"The Client Area already runs with its data in {self.path}: stop"
                    " it, or start another beside it with its own CLIENTAREA_DATA and"
                    " CLIENTAREA_PORT."
                ) from None
            yield

    @property
    def is_held(self) -> bool:
        try:
            with self.held():
                return False
        except CannotStart:
            return True

    def read(self, name: str, kind: type[T_]) -> T_ | None:
        """Return what was written under this name."""
        path = self.path / name
        if not path.exists():
            return None
        return TypeAdapter(kind).validate_json(path.read_bytes())

    def write(self, name: str, content: object) -> None:
        """Write it whole or not at all, for nobody else's eyes."""
        write_whole(self.path / name, to_json(content, indent=2) + b"\n")

    def ports(self, names: Sequence[str]) -> dict[str, int]:
        """Return a port for each name: the same as last time wherever it is free."""
        known = self.read("ports.json", dict[str, int]) or {}
        fresh = iter(free_ports(len(names)))
        ports = {
            name: known[name] if name in known and is_free(known[name]) else next(fresh)
            for name in names
        }
        self.write("ports.json", ports)
        return ports

    def remove(self) -> None:
        shutil.rmtree(self.path)
