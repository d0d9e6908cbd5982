"""The stored files of attachments, as one archive; their keys never change meaning."""

import tarfile
from pathlib import Path

from deploy.local.disk import reason, sync
from deploy.operate.faults import CannotOperate

NAME = "blobs.tar"
#: Begins the name of a file that is being written, or was when the power went.
DRAFT = "."


def pack(blobs: Path, archive: Path) -> int:
    """Put every stored file into the archive; return how many."""
    count = 0
    with tarfile.open(archive, "w") as tar:
        for path in sorted(blobs.glob("*/*")) if blobs.is_dir() else ():
            if path.name.startswith(DRAFT) or not path.is_file():
                continue
            try:
                tar.add(path, arcname=f"{path.parent.name}/{path.name}")
            except FileNotFoundError:
                continue  # an upload that was never sent, removed meanwhile
            count += 1
    return count


def unpack(archive: Path, blobs: Path) -> int:
    """Bring back what isn't there; a key's content is the same for ever.

    What a full disk or a crash cuts off leaves no file that looks whole.
    """
    count = 0
    blobs.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as tar:
        for member in tar:
            path = blobs / member.name
            if member.isfile() and not path.exists():
                draft = path.with_name(f"{DRAFT}{path.name}")
                member.name = str(draft.relative_to(blobs))
                tar.extract(member, blobs, filter="data")
                sync(draft)
                draft.replace(path)
                count += 1
    return count


def refuse_unwritable(blobs: Path) -> None:
    """Say so before anything is done, not when half of it is."""
    try:
        blobs.mkdir(parents=True, exist_ok=True)
        probe = blobs / f"{DRAFT}probe"
        probe.touch()
        probe.unlink()
    except OSError as fault:
        raise CannotOperate(f"{blobs} can't be written: {reason(fault)}.") from None
