"""What operators may give as numbers, days and folders, with room to reckon with."""

import re
from argparse import ArgumentTypeError
from datetime import date
from pathlib import Path

from chassis.commandline import number_of

#: Ten years.
MOST_DAYS = 3650
#: A year: outboxes keep less.
MOST_SECONDS = 366 * 86_400
FIRST_YEAR, LAST_YEAR = 2000, 2199
_NUMBER = re.compile(r"\d{1,9}(\.\d{1,9})?", re.ASCII)

days = number_of("days", 0, MOST_DAYS)


def day(text: str) -> date:
    """Read a day, as the type of an option; far-off ones can't be reckoned with."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = None
    # Other forms of ISO 8601, such as weeks, are more likely slips than meant.
    plain = found is not None and found.isoformat() == text
    if found is None or not plain or not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise ArgumentTypeError(
            f"a day such as 2026-03-20, {FIRST_YEAR} to {LAST_YEAR}, not {text!r}"
        )
    return found


def seconds(text: str) -> float:
    if not _NUMBER.fullmatch(text) or not 0 <= float(text) <= MOST_SECONDS:
        raise ArgumentTypeError(
            f"a number of seconds, 0 to {MOST_SECONDS}, not {text!r}"
        )
    return float(text)


def folder(text: str) -> Path:
    """Read a folder's name: blanks alone would be the folder that one is in, or new."""
    if not text.strip() or not text.isprintable():
        raise ArgumentTypeError(
            f"a folder's name, without control characters, not {text!r}"
        )
    return Path(text)
