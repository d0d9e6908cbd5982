"""What people type after a command, within bounds, and what they read from it."""

import io
import sys
import unicodedata
from argparse import ArgumentTypeError
from collections.abc import Callable

#: A sentence or two, for a record that is kept for ever.
MOST_CHARACTERS = 1000
#: Control characters, what no encoding has, and ends of lines and paragraphs.
UNFIT = frozenset({"Cc", "Cs", "Zl", "Zp"})


def number_of(what: str, lowest: int, highest: int) -> Callable[[str], int]:
    """Return the type of an argument that is a whole number, bounds included."""

    def read(text: str) -> int:
        # Beyond so many digits int() itself refuses, and says so at length.
        plain = text.isascii() and text.isdecimal() and len(text) <= len(str(highest))
        if not plain or not lowest <= int(text) <= highest:
            raise ArgumentTypeError(
                f"a number of {what}, {lowest} to {highest}, not {text!r}"
            )
        return int(text)

    return read


def sentence(text: str) -> str:
    """Read what is to be recorded; line ends and their kind are no part of it."""
    unfit = any(unicodedata.category(each) in UNFIT for each in text)
    if unfit or not text.strip() or len(text) > MOST_CHARACTERS:
        raise ArgumentTypeError(
            f"a text in one line, 1 to {MOST_CHARACTERS} characters, not {text[:20]!r}"
        )
    return text.strip()


def tell_whatever_it_is() -> None:
    """Have standard output escape what it can't encode: names, and strangers' bytes."""
    # Whoever calls a command as a function may have put something else there.
    output: object = sys.stdout
    if isinstance(output, io.TextIOWrapper):
        output.reconfigure(errors="backslashreplace")
