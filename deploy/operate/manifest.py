"""A backup's manifest: what was saved, of which release, and how to know it again."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from deploy.operate.faults import CannotOperate

NAME = "manifest.json"
#: Raised when an older release could not restore what this one writes.
FORMAT = 1


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class File(_Part):
    """One file of the backup."""

    name: str
    size: int
    sha256: str


class LedgerHead(_Part):
    """Where billing's hash chain ended; it proves every entry before."""

    position: int
    hash: str


class SavedService(_Part):
    """One service's schema, as it was in the snapshot."""

    #: The names of its migrations; plumbing's begin with `chassis/`.
    migrations: Sequence[str]
    #: How many rows each table had.
    rows: Mapping[str, int]
    server_version: int
    #: The snapshot; services with the same one agree with each other to the row.
    snapshot: str
    taken_at: datetime
    ledger: LedgerHead | None = None


class Manifest(_Part):
    """All of it."""

    format: Literal[1] = FORMAT
    release: str
    taken_at: datetime
    services: Mapping[str, SavedService]
    files: Sequence[File]


def write(folder: Path, manifest: Manifest) -> None:
    text = manifest.model_dump_json(indent=2) + "\n"
    (folder / NAME).write_text(text, encoding="utf-8")


def read(folder: Path) -> Manifest:
    """Return the folder's manifest, or say that this is no backup of ours."""
    try:
        return Manifest.model_validate_json((folder / NAME).read_bytes())
    except FileNotFoundError:
        raise CannotOperate(f"{folder} is no backup: it has no {NAME}.") from None
    except ValidationError as wrong:
        raise CannotOperate(
            f"{folder / NAME} can't be read by this release:"
            f" {wrong.errors()[0]['msg']}."
        ) from None


def describe(path: Path) -> File:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return File(name=path.name, size=path.stat().st_size, sha256=digest)


def describe_all(folder: Path) -> list[File]:
    return [describe(path) for path in sorted(folder.iterdir())]


def verify(folder: Path, manifest: Manifest) -> None:
    """Read every file, and refuse a backup that isn't what was written."""
    for file in manifest.files:
        path = folder / file.name
        if not path.is_file():
            raise CannotOperate(f"{path} is missing: this backup is not whole.")
        if describe(path) != file:
            raise CannotOperate(f"{path} is not what was saved: take another backup.")
