"""What operators may give as numbers and days, with room left to reckon with."""

from argparse import ArgumentTypeError
from datetime import date

#: Ten years.
MOST_DAYS = 3650
#: A year: outboxes keep less.
MOST_SECONDS = 366 * 86_400
FIRST_YEAR, LAST_YEAR = 2000, 2199


def day(text: str) -> date:
    """Read a day, as the type of an option; far-off ones can't be reckoned with."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise ArgumentTypeError(
            f"a day such as 2026-03-20, {FIRST_YEAR} to {LAST_YEAR}, not {text!r}"
        )
    return found


def days(text: str) -> int:
    try:
        found = int(text)
    except ValueError:
        found = -1
    if not 0 <= found <= MOST_DAYS:
        raise ArgumentTypeError(f"a number of days, 0 to {MOST_DAYS}, not {text!r}")
    return found


def seconds(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    # Not a number compares with nothing, and is refused as well.
    if not 0 <= found <= MOST_SECONDS:
        raise ArgumentTypeError(
            f"a number of seconds, 0 to {MOST_SECONDS}, not {text!r}"
        )
    return found
