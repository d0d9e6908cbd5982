"""The strict JSON reader accepts what every reader reads alike, and nothing else."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chassis.errors import RuleViolated, Unreadable
from chassis.http.reader import MAXIMUM_DEPTH, MAXIMUM_INTEGER, read_json

characters = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
documents: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAXIMUM_INTEGER, MAXIMUM_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(characters),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(characters), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(documents)
def test_any_sane_document_is_accepted(document: Any) -> None:
    assert read_json(json.dumps(document).encode()) == document
    assert read_json(json.dumps(document, ensure_ascii=False).encode()) == document


@given(st.binary() | st.text().map(lambda text: text.encode("utf-8", "surrogatepass")))
@example(b"[" * 100_000)
@example(b'{"a":' * 5_000)
@example(b"9" * 100_000)
@example(b"-" + b"9" * 5_000)
@example(b"\xef\xbb\xbf{}")
@example(b'"\\ud800"')
def test_no_bytes_at_all_make_it_fail_otherwise_than_by_refusing(body: bytes) -> None:
    with suppress(Unreadable, RuleViolated):
        read_json(body)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "a JSON body is needed"),
        (b"  \n", "a JSON body is needed"),
        (b"{", "not JSON at line 1, column 2"),
        (b"{'a': 1}", "not JSON at line 1, column 2"),
        (b'{"a": 1}x', "not JSON at line 1, column 9"),
        (b'"\xff"', "not UTF-8 at byte 1"),
        ("{}".encode("utf-16"), "not UTF-8"),
        (b'"\xed\xa0\x80"', "not UTF-8"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": -Infinity}', "-Infinity is not JSON"),
        (b'{"a": 1e400}', "a number is too large"),
        (b'{"a": -1e400}', "a number is too large"),
        (b"9223372036854775808", "a number is too large"),
        (b'{"a": 1, "b": 2, "a": 1}', "a key is given twice"),
        (b'{"a": 1, "\\u0061": 2}', "a key is given twice"),
        (b'"\x00"', "not JSON"),
    ],
)
def test_what_is_not_exactly_json_is_unreadable(body: bytes, reason: str) -> None:
    with pytest.raises(Unreadable) as caught:
        read_json(body)
    assert reason in caught.value.detail


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_nesting_is_accepted_up_to_its_limit_and_no_deeper(opening: str) -> None:
    closing = "]" if opening == "[" else "}"

    def nested(depth: int) -> bytes:
        return (opening * depth + "1" + closing * depth).encode()

    read_json(nested(MAXIMUM_DEPTH))
    with pytest.raises(Unreadable, match="nested at most 32 deep"):
        read_json(nested(MAXIMUM_DEPTH + 1))


def test_brackets_within_text_are_not_nesting() -> None:
    read_json(json.dumps("[{" * 200).encode())


@pytest.mark.parametrize("escape", ["\\u0000", "\\ud800", "\\udfff", "x\\udc00y"])
def test_text_that_cannot_be_stored_is_named_by_its_field(escape: str) -> None:
    body = f'{{"items": [{{"name": "fine"}}, {{"name": "{escape}"}}]}}'
    with pytest.raises(RuleViolated) as caught:
        read_json(body.encode())
    assert [error.field for error in caught.value.errors] == ["items.1.name"]


def test_a_key_that_cannot_be_stored_is_refused_and_told_printably() -> None:
    with pytest.raises(RuleViolated) as caught:
        read_json(b'{"a\\u0000": 1}')
    assert [error.field for error in caught.value.errors] == [
        "a\N{REPLACEMENT CHARACTER}"
    ]


def test_a_pair_of_surrogates_is_one_character() -> None:
    read_json(b'"\\ud83d\\ude00"')
