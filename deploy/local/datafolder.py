"""The one folder that holds all of a stack: servers' files, keys, ports and logs."""

import fcntl
import os
import shutil
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from deploy.local.disk import reason, require_room, write_whole
from deploy.local.faults import CannotStart
from deploy.local.ports import free_ports, is_free

PROJECT = Path(__file__).resolve().parents[2]
#: Says that a folder is ours, so that nothing else is ever emptied.
MARK = "clientarea"
#: Locked by an operators' command that keeps the servers of a stopped stack.
COMMAND = "command.lock"
#: Whoever only looks whether a file is locked holds it for a moment.
LOOK_SECONDS = 0.5
POLL_SECONDS = 0.02

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
        """Keep every other run, and commands that would start servers, out of it.

        Raises CannotStart where one is at work.
        """
        with ExitStack() as stack:
            ours = stack.enter_context(_locked(self.path / MARK))
            if not ours and self._is_lent:
                raise CannotStart(self._lent)
            # Asked again: a command may have ended meanwhile.
            if not (ours or stack.enter_context(_locked(self.path / MARK))):
                raise CannotStart(
                    f"The Client Area already runs with its data in {self.path}: stop"
                    " it, or start another beside it with its own CLIENTAREA_DATA and"
                    " CLIENTAREA_PORT."
                )
            yield

    @contextmanager
    def lent(self) -> Generator[bool]:
        """Hold the folder for one command; False where a run keeps its servers.

        Raises CannotStart where another command holds it. The kernel ends the hold
        with its process, `kill -9` included.
        """
        with _locked(self.path / COMMAND) as alone:
            if not alone:
                raise CannotStart(self._lent)
            with _locked(self.path / MARK) as ours:
                if ours:
                    yield True
                    return
        yield False

    @property
    def is_held(self) -> bool:
        """Whether a run, and no command, keeps the servers."""
        try:
            with self.lent() as asleep:
                return not asleep
        except CannotStart:
            return False

    @property
    def _is_lent(self) -> bool:
        with _locked(self.path / COMMAND) as free:
            return not free

    @property
    def _lent(self) -> str:
        return (
            "A command of `python -m deploy.operate` has started the servers of"
            f" {self.path}: wait until it has ended, then try again."
        )

    def read(self, name: str, kind: type[T_]) -> T_ | None:
        """Return what was written under this name.

        Raises CannotStart where something else is there, without quoting it: it may
        be secret.
        """
        path = self.path / name
        if not path.exists():
            return None
        try:
            return TypeAdapter(kind).validate_json(path.read_bytes())
        except OSError as fault:
            raise CannotStart(f"{path} can't be read: {reason(fault)}.") from None
        except ValidationError:
            raise CannotStart(
                f"{path} is not what was written there: put back the file that was, or"
                " remove the whole folder to begin anew."
            ) from None

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


@contextmanager
def _locked(path: Path) -> Generator[bool]:
    """Yield whether the file is ours alone until the end of the block."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield _lock(descriptor)
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    deadline = time.monotonic() + LOOK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_SECONDS)
        else:
            return True
