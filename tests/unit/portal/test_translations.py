"""Every text of the pages exists in Portuguese, with the same blanks to fill in."""

import re
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

PORTAL = Path(__file__).parents[3] / "gateway" / "portal"
CATALOGUES = sorted((PORTAL / "translations" / "pt_BR").glob("*.po"))
#: Texts that services send, gathered and tested elsewhere.
FROM_SERVICES = "problems.po"
KEYWORDS = {"_": None, "gettext": None, "N_": None, "ngettext": (1, 2)}
_BLANK = re.compile(r"%\((\w+)\)[sd]")

Texts = tuple[str, ...]


def used() -> dict[Texts, str]:
    """Return every text of templates and views, and where it stands."""
    found: dict[Texts, str] = {}
    for path, line, message, *_ in extract_from_dir(
        PORTAL,
        method_map=[("**.py", "python"), ("**.html", "jinja2")],
        options_map={"**.html": {"trimmed": "true"}},
        keywords=KEYWORDS,
    ):
        texts = (message,) if isinstance(message, str) else tuple(message)
        found.setdefault(texts, f"{path}:{line}")
    return found


def translated() -> Iterator[tuple[str, Message]]:
    for path in CATALOGUES:
        with path.open("rb") as file:
            for message in read_po(file):
                if message.id:
                    yield path.name, message


def test_every_text_is_in_portuguese() -> None:
    known = {_texts(message) for _, message in translated() if message.string}
    assert [
        f"{where}: {texts[0]}" for texts, where in used().items() if texts not in known
    ] == []


def test_no_translation_is_left_over() -> None:
    wanted = used()
    left = [
        f"{name}: {_texts(message)[0]}"
        for name, message in translated()
        if name != FROM_SERVICES and _texts(message) not in wanted
    ]
    assert left == []


def test_no_translation_is_empty_or_uncertain() -> None:
    doubtful = [
        f"{name}: {_texts(message)[0]}"
        for name, message in translated()
        if message.fuzzy or not all(_strings(message))
    ]
    assert doubtful == []


def test_translations_fill_in_the_same_blanks() -> None:
    different = [
        f"{name}: {_texts(message)[-1]}"
        for name, message in translated()
        for string in _strings(message)
        if set(_BLANK.findall(string)) - set(_BLANK.findall(_texts(message)[-1]))
        or (
            len(_texts(message)) == 1
            and sorted(_BLANK.findall(string))
            != sorted(_BLANK.findall(_texts(message)[0]))
        )
    ]
    assert different == []


def test_a_text_is_translated_one_way() -> None:
    ways: dict[Texts, set[tuple[str, ...]]] = {}
    for _, message in translated():
        key = (message.context or "", *_texts(message))
        ways.setdefault(key, set()).add(tuple(_strings(message)))
    assert {texts[1]: found for texts, found in ways.items() if len(found) > 1} == {}


def _texts(message: Message) -> Texts:
    return (message.id,) if isinstance(message.id, str) else tuple(message.id)


def _strings(message: Message) -> list[str]:
    string = message.string
    return [string] if isinstance(string, str) else list(string or ())
