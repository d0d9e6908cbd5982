"""Where a private server keeps its files and as whom it runs.

Postgres refuses to run as root, and RabbitMQ shouldn't: root hands them to an
unprivileged user. Where that user can't reach the wanted folder (it may lie in
root's own home), the files lie under /var/tmp instead, keyed by that folder.
"""

import fcntl
import hashlib
import os
import pwd
import shutil
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deploy.local.disk import require_room, write_whole
from deploy.local.faults import CannotStart
from deploy.local.waiting import poll

FALLBACK = Path("/var/tmp")  # noqa: S108  # outlives a reboot; owner is checked
TAKEOVER_SECONDS = 20


@dataclass(frozen=True)
class ServerUser:
    """The user a server runs as, where that isn't the caller."""

    uid: int
    gid: int

    def reaches(self, path: Path) -> bool:
        """Whether every folder above `path`, and `path` if there, can be entered."""
        return all(
            self._enters(each.stat()) for each in (path, *path.parents) if each.exists()
        )

    def _enters(self, status: os.stat_result) -> bool:
        if status.st_uid == self.uid:
            return bool(status.st_mode & stat.S_IXUSR)
        if status.st_gid == self.gid:
            return bool(status.st_mode & stat.S_IXGRP)
        return bool(status.st_mode & stat.S_IXOTH)


def server_user(names: Sequence[str]) -> ServerUser | None:
    """Return the first of these users for root; nobody else changes user."""
    if os.geteuid() != 0:
        return None
    for name in names:
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return ServerUser(user.pw_uid, user.pw_gid)
    raise CannotStart(
        f"This must run as root as one of {', '.join(names)}: none exists."
    )


@dataclass(frozen=True)
class Home:
    """A server's own folder, private to the user it runs as."""

    folder: Path
    user: ServerUser | None

    @classmethod
    def of(cls, wanted: Path, user: ServerUser | None) -> "Home":
        """Return the home for the wanted folder; creates nothing."""
        wanted = wanted.absolute()
        if user is None or user.reaches(wanted.parent):
            return cls(wanted, user)
        key = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:16]
        return cls(FALLBACK / f"clientarea-{key}", user)

    def make(self) -> None:
        """Create the folder, or take it up if it is ours."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._claim()
            require_room(self.folder)
        except PermissionError as fault:
            raise CannotStart(
                f"{self.folder} belongs to another user: choose another data folder."
            ) from fault

    def remove(self) -> None:
        if self.folder.exists():
            shutil.rmtree(self.folder)

    def write(self, name: str, text: str, mode: int = 0o600) -> Path:
        """Write a small file of the server's, whole or not at all."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.give(path.parent)
        write_whole(path, text.encode(), mode=mode, finish=self.give)
        return path

    def give(self, path: Path) -> None:
        """Hand a path to the user the server runs as."""
        if self.user is not None:
            os.chown(path, self.user.uid, self.user.gid, follow_symlinks=False)

    async def lock(self) -> int:
        """Hold the folder; the server inherits the hold and keeps it while it lives.

        What an earlier run left behind is about to die: it is waited for, so that
        two servers never share a folder.
        """
        descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        if not await poll(lambda: _locked(descriptor), within=TAKEOVER_SECONDS):
            os.close(descriptor)
            raise CannotStart(f"Another server is running in {self.folder}.")
        return descriptor

    def _claim(self) -> None:
        status = self.folder.lstat()
        mine = self.user.uid if self.user else os.geteuid()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid not in {0, mine}:
            raise PermissionError
        self.folder.chmod(0o700)
        self.give(self.folder)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
