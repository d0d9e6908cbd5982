"""Ids are UUIDv7: unique, and sorted by the time they were made."""

from itertools import pairwise
from uuid import RFC_4122, UUID

import pytest

from chassis.ids import uuid7

#: 10 November 2026, some time in the morning.
MILLISECONDS = 1_794_304_212_345


def set_clock(monkeypatch: pytest.MonkeyPatch, milliseconds: int) -> None:
    monkeypatch.setattr(
        "chassis.ids.time.time_ns", lambda: milliseconds * 1_000_000 + 999_999
    )


def test_an_id_is_a_version_7_uuid() -> None:
    made = uuid7()
    assert (made.version, made.variant) == (7, RFC_4122)


def test_ids_made_later_sort_later(monkeypatch: pytest.MonkeyPatch) -> None:
    def made_after(milliseconds: int) -> UUID:
        set_clock(monkeypatch, MILLISECONDS + milliseconds)
        return uuid7()

    made = [made_after(milliseconds) for milliseconds in range(100)]
    assert made == sorted(made)


def test_an_id_tells_its_millisecond(monkeypatch: pytest.MonkeyPatch) -> None:
    set_clock(monkeypatch, MILLISECONDS)
    assert uuid7().int >> 80 == MILLISECONDS


def test_no_two_ids_are_the_same() -> None:
    made = sorted(uuid7() for _ in range(10_000))
    assert all(one != other for one, other in pairwise(made))
