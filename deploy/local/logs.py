"""What the children say: all of it into files, for people a line at a time."""

import json
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

from deploy.local.console import coloured
from deploy.local.disk import reason

LARGEST_FILE_BYTES = 10_000_000
OLD_FILES = 2
NAME_WIDTH = 9
LOSING = "its log file gets nothing of what follows until that is mended"
#: Fields that every line has, or that only machines read.
UNSHOWN = {
    "level",
    "message",
    "timestamp",
    "process",
    "request_id",
    "correlation_id",
    "trace_id",
    "actor",
}
COLOURS = {"warning": "33", "error": "31", "critical": "31", "debug": "90"}

#: What is drawn around the tracebacks of several faults at once.
FRAME = " |+-"

Show = Callable[[str], None]


class ProcessLog:
    """One child's output: kept as it is in a file, shown in a form for people."""

    def __init__(self, name: str, folder: Path, show: Show) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = folder / f"{name}.log"
        self._name = name
        self._show = show
        self._file = _LogFile(
            self.path,
            maxBytes=LARGEST_FILE_BYTES,
            backupCount=OLD_FILES,
            encoding="utf-8",
            delay=True,
        )
        self._losing = False
        self.last_line = ""

    def write(self, line: str) -> None:
        self._keep(line)
        text = readable(line)
        self._show(f"{self._name:>{NAME_WIDTH}} | {text}")
        self.last_line = text.strip(FRAME) or self.last_line

    def close(self) -> None:
        """Let go of the file; the next line opens it again."""
        with suppress(OSError):  # what is not written by now has been said to be lost
            self._file.close()

    def _keep(self, line: str) -> None:
        try:
            self._file.emit(logging.makeLogRecord({"msg": line}))
        except OSError as fault:
            if not self._losing:
                self._show(f"{self._name:>{NAME_WIDTH}} | {reason(fault)}: {LOSING}")
            self._losing = True
        else:
            self._losing = False


class _LogFile(RotatingFileHandler):
    """Leaves it to us what a disk without room means; logging prints a traceback."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        del record
        raise  # noqa: PLE0704 - logging calls this from inside its own `except`


def readable(line: str) -> str:
    """Turn a JSON log line into one for people; leave any other as it is."""
    try:
        event = json.loads(line)
        at = datetime.fromisoformat(event["timestamp"]).astimezone()
        level, message = str(event["level"]), str(event["message"])
    except (ValueError, TypeError, KeyError):
        return line.rstrip()
    told = {key: value for key, value in event.items() if key not in UNSHOWN}
    fault = told.pop("exception", None)
    fields = [f"{key}={value}" for key, value in told.items()]
    marked = [coloured(level, COLOURS[level])] if level in COLOURS else []
    text = " ".join([f"{at:%H:%M:%S}", *marked, message, *fields])
    return f"{text}: {_last_words(str(fault))}" if fault else text


def _last_words(traceback: str) -> str:
    """Return the line that says what went wrong; the file has all of them."""
    lines = [line.strip(FRAME) for line in traceback.splitlines()]
    return next((line for line in reversed(lines) if line), "")
