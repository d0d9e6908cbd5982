"""Our own log lines: one JSON object each, and no work fails for one."""

import errno
import json
import logging
import os
import sys
from collections.abc import Generator
from io import StringIO

import pytest
import structlog

from chassis.logs import configure_logs


class FullDisk(StringIO):
    """What standard error is when it goes to a file that can't grow."""

    def write(self, text: str, /) -> int:
        del text
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.fixture(autouse=True)
def _unchanged_afterwards(monkeypatch: pytest.MonkeyPatch) -> Generator[None]:
    monkeypatch.setattr(logging.root, "handlers", [])
    before = structlog.get_config()
    yield
    structlog.configure(**before)


def test_an_error_and_its_traceback_are_one_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logs("probe")
    try:
        {}["nothing\nthere"]
    except KeyError:
        structlog.get_logger("http").exception("request failed", path="/\ud800")
    [line] = map(json.loads, capsys.readouterr().err.splitlines())
    assert (line["message"], line["level"]) == ("request failed", "error")
    assert line["path"] == "/\ud800"
    assert "Traceback" in line["exception"]
    assert line["exception"].endswith(r"KeyError: 'nothing\nthere'")


def test_what_is_below_the_level_is_not_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logs("probe", "WARNING")
    structlog.get_logger("http").info("answered")
    logging.getLogger("library").info("called")
    structlog.get_logger("http").warning("late")
    [line] = map(json.loads, capsys.readouterr().err.splitlines())
    assert line["message"] == "late"


def test_a_line_that_cannot_be_written_fails_nobodys_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stderr", FullDisk())
    configure_logs("probe")
    structlog.get_logger("http").info("answered")
