"""Protocols: read aloud, typed back, and never ambiguous."""

import re

from hypothesis import given
from hypothesis import strategies as st

from services.tickets.domain.tickets import (
    PROTOCOL_ALPHABET,
    PROTOCOLS,
    format_protocol,
    read_protocol,
)

numbers = st.integers(min_value=0, max_value=PROTOCOLS - 1)


@given(numbers)
def test_a_protocol_is_ten_characters_of_crockfords_base_32(number: int) -> None:
    protocol = format_protocol(number)
    assert re.fullmatch(r"[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{2}", protocol)
    assert set(protocol) - {"-"} <= set(PROTOCOL_ALPHABET)
    assert not set(protocol) & set("ILOU")


@given(numbers, numbers)
def test_two_numbers_have_two_protocols(one: int, other: int) -> None:
    assert (format_protocol(one) == format_protocol(other)) == (one == other)


@given(numbers)
def test_a_protocol_is_recognised_however_it_is_typed(number: int) -> None:
    protocol = format_protocol(number)
    assert read_protocol(f" {protocol.lower()} ") == protocol
    assert read_protocol(protocol.replace("-", "")) == protocol
    assert read_protocol(protocol.replace("0", "O").replace("1", "l")) == protocol


@given(st.text(max_size=20))
def test_reading_gives_a_protocol_or_nothing(text: str) -> None:
    protocol = read_protocol(text)
    assert protocol is None or read_protocol(protocol) == protocol
