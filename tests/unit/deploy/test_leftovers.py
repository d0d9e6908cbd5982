"""What a backup that was killed leaves: named, kept, and never taken for a backup."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from deploy.local.datafolder import PROJECT
from deploy.operate import doctor, leftovers
from deploy.operate.leftovers import at_work
from deploy.operate.manifest import NAME
from deploy.operate.targets import Targets

DAY = 86_400
MAKER = """
import sys, time
from pathlib import Path
from deploy.operate.leftovers import at_work

with at_work(Path(sys.argv[1])):
    print("at work", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    """What a backup had written when it was killed a day ago, all but its name."""
    draft = tmp_path / "2026-03-10T02-00-00Z.unfinished"
    draft.mkdir()
    (draft / "billing.dump").write_bytes(bytes(2_500_000))
    (draft / NAME).touch()
    for path in (*draft.iterdir(), draft):
        os.utime(path, (time.time() - DAY, time.time() - DAY))
    return draft


def wrong(backups: Path) -> Iterator[doctor.Finding]:
    targets = Targets({}, {}, "", "", {}, blobs=None, backups=backups)
    return (each for each in doctor.look_at_backups(targets) if each.wrong)


def test_it_is_named_with_size_age_and_what_to_do(draft: Path) -> None:
    [found] = leftovers.leftovers(draft.parent)
    assert str(found).startswith(f"{draft.name}, 2.5 MB, 1 day, 0:0")
    assert found.advice == f"a backup that was cut off left it: delete {draft}"
    assert draft.exists(), "nobody deletes it but a person"


def test_the_doctor_names_it_and_takes_it_for_no_backup(draft: Path) -> None:
    left, none = wrong(draft.parent)
    assert left.seen.startswith(draft.name)
    assert none.seen == "none"


def test_what_is_being_made_is_no_leftover_until_its_maker_is_killed(
    draft: Path,
) -> None:
    maker = subprocess.Popen(  # noqa: S603 - ours
        [sys.executable, "-c", MAKER, draft],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert maker.stdout is not None
    with maker.stdout:
        assert maker.stdout.readline() == "at work\n"
        assert list(leftovers.leftovers(draft.parent)) == []
        maker.kill()
        maker.wait()
    assert [each.folder for each in leftovers.leftovers(draft.parent)] == [draft]


def test_where_there_are_no_locks_its_age_tells(
    draft: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError

    monkeypatch.setattr("fcntl.flock", refuse)
    with at_work(draft):
        assert list(leftovers.leftovers(draft.parent))
        (draft / NAME).touch()
        assert list(leftovers.leftovers(draft.parent)) == []
    assert timedelta(seconds=DAY) > leftovers.LATELY


def test_one_that_gets_its_name_meanwhile_is_passed_over(
    draft: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = draft.with_name("gone.unfinished")

    def found(*_: object) -> Iterator[Path]:
        return iter([gone, draft])

    monkeypatch.setattr(Path, "glob", found)
    assert [each.folder for each in leftovers.leftovers(draft.parent)] == [draft]
