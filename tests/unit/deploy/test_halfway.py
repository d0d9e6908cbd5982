"""The note of an upgrade that is under way."""

import errno
import os
from pathlib import Path

import pytest

from deploy.compose import halfway
from deploy.compose.faults import CannotGoOn
from deploy.compose.halfway import Halfway

REPLACEMENT = Halfway("billing", leaving="3f2a", wanted=2)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CLIENTAREA_DATA", str(tmp_path))
    return tmp_path


def test_what_was_noted_is_known_until_it_has_ended() -> None:
    assert halfway.begun() is None
    halfway.note(REPLACEMENT)
    assert halfway.begun() == REPLACEMENT
    halfway.forget()
    assert halfway.begun() is None


def test_a_note_that_can_not_be_kept_is_one_line_and_leaves_the_one_before(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    halfway.note(REPLACEMENT)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CannotGoOn, match=r"can't be written: No space left on device"):
        halfway.note(Halfway("tickets", leaving="77", wanted=1))
    assert halfway.begun() == REPLACEMENT
    assert [path.name for path in folder.iterdir()] == [halfway.NAME]


def test_a_note_that_nobody_can_read_says_what_to_do(folder: Path) -> None:
    (folder / halfway.NAME).write_text("{")
    with pytest.raises(CannotGoOn, match="remove it"):
        halfway.begun()
