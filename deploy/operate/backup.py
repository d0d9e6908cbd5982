"""Saves all services, or one, as they were at one instant, with a manifest to prove it.

Services in one database are read through one snapshot. Those in several are read a
moment apart: what one had announced and the other not yet handled is announced again
after a restore, and handled once.
"""

import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from deploy.local.disk import reason, sync
from deploy.operate import archive, manifest, programs
from deploy.operate.console import doing, say
from deploy.operate.faults import CannotOperate
from deploy.operate.leftovers import UNFINISHED, at_work, leftovers
from deploy.operate.manifest import File, Manifest, SavedService
from deploy.operate.marks import refuse_unfinished
from deploy.operate.snapshots import Snapshot, snapshots
from deploy.operate.targets import Targets

#: Whose rows refer to stored files.
WITH_BLOBS = "tickets"


async def back_up(
    targets: Targets, services: Sequence[str], folder: Path | None
) -> Path:
    """Write the backup and return its folder, which didn't exist before.

    Whatever goes wrong leaves no folder that looks like a backup, but for one that
    may not outlast a power cut, which is said.
    """
    now = datetime.now(UTC)
    wanted = folder or targets.folder("backups") / f"{now:%Y-%m-%dT%H-%M-%SZ}"
    draft = _make_draft(wanted)
    try:
        with at_work(draft):
            _tell_leftovers(wanted.parent)
            saved, files = await _save(targets, services, draft)
            manifest.write(draft, _manifest(saved, files))
            _finish(draft, wanted)
    except OSError as fault:
        raise CannotOperate(
            f"{wanted} was not made, and nothing of it is left: {reason(fault)}."
        ) from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    say(f"the backup is in {wanted}")
    return wanted


def _tell_leftovers(backups: Path) -> None:
    for left in leftovers(backups):
        say(f"{left}: {left.advice}")


def _manifest(saved: Mapping[str, SavedService], files: list[File]) -> Manifest:
    taken_at = min(each.taken_at for each in saved.values())
    return Manifest(
        release=running_release(), taken_at=taken_at, services=saved, files=files
    )


def running_release() -> str:
    try:
        return version("clientarea")
    except PackageNotFoundError:
        return "unreleased"


def dump_name(service: str) -> str:
    return f"{service}.dump"


def _make_draft(wanted: Path) -> Path:
    if wanted.exists():
        raise CannotOperate(f"{wanted} is there already: name another folder.")
    draft = wanted.with_name(f"{wanted.name}{UNFINISHED}")
    try:
        draft.mkdir(parents=True, mode=0o700)
    except FileExistsError:
        raise CannotOperate(
            f"{draft} is there: another backup runs, or one was cut off; remove it."
        ) from None
    except OSError as fault:
        raise CannotOperate(f"{draft} can't be made: {reason(fault)}.") from None
    return draft


def _finish(draft: Path, wanted: Path) -> None:
    """Give the backup its name, once all of it would outlast a power cut."""
    for path in (*draft.iterdir(), draft):
        sync(path)
    draft.rename(wanted)
    try:
        sync(wanted.parent)
    except OSError as fault:
        raise CannotOperate(
            f"{wanted} is there, but whether it is on the disk is not known:"
            f" {reason(fault)}."
        ) from None


async def _save(
    targets: Targets, services: Sequence[str], draft: Path
) -> tuple[Mapping[str, SavedService], list[File]]:
    await refuse_unfinished(targets, services)
    async with snapshots(targets, services) as taken:
        saved: dict[str, SavedService] = {}
        for service in services:
            with doing(f"saving {service}"):
                saved[service] = await taken[service].look_at(service)
                path = draft / dump_name(service)
                await _dump(targets.auditor(service), service, taken[service], path)
        # After the snapshot: every file is there before the row that refers to it.
        if WITH_BLOBS in services:
            with doing("saving attachments"):
                count = archive.pack(targets.folder("blobs"), draft / archive.NAME)
            say(f"attachments: {count} files")
    return saved, manifest.describe_all(draft)


async def _dump(url: str, service: str, snapshot: Snapshot, path: Path) -> None:
    await programs.run(
        programs.program("pg_dump", snapshot.server_version),
        "--format=custom",
        f"--schema={service}",
        f"--snapshot={snapshot.id}",
        f"--file={path}",
        url=url,
    )
