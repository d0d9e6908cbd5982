"""What the children say: all of it into files, for people a line at a time."""

import json
import logging
from collections.abc import Callable
from datetime import datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

from deploy.local.console import coloured

LARGEST_FILE_BYTES = 10_000_000
OLD_FILES = 2
NAME_WIDTH = 9
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

Show = Callable[[str], None]


class ProcessLog:
    """One child's output: kept as it is in a file, shown in a form for people."""

    def __init__(self, name: str, folder: Path, show: Show) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = folder / f"{name}.log"
        self._name = name
        self._show = show
        self._file = RotatingFileHandler(
            self.path,
            maxBytes=LARGEST_FILE_BYTES,
            backupCount=OLD_FILES,
            encoding="utf-8",
            delay=True,
        )
        self.last_line = ""

    def write(self, line: str) -> None:
        self._file.emit(logging.makeLogRecord({"msg": line}))
        text = readable(line)
        self._show(f"{self._name:>{NAME_WIDTH}} | {text}")
        # A traceback's frame says nothing.
        self.last_line = text.strip(" |+-") or self.last_line

    def close(self) -> None:
        """Let go of the file; the next line opens it again."""
        self._file.close()


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
    # The last line of a traceback says what went wrong; the file has it all.
    return f"{text}: {str(fault).splitlines()[-1]}" if fault else text
