"""Ids are UUIDv7: unique, and sorted by the time they were made."""

import time
from itertools import pairwise
from uuid import RFC_4122

from chassis.ids import uuid7


def test_an_id_is_a_version_7_uuid() -> None:
    made = uuid7()
    assert (made.version, made.variant) == (7, RFC_4122)


def test_ids_made_later_sort_later() -> None:
    first = uuid7()
    time.sleep(0.002)
    assert uuid7() > first


def test_an_id_tells_its_millisecond() -> None:
    before = time.time_ns() // 1_000_000
    made = uuid7().int >> 80
    assert before <= made <= time.time_ns() // 1_000_000


def test_no_two_ids_are_the_same() -> None:
    made = sorted(uuid7() for _ in range(10_000))
    assert all(one != other for one, other in pairwise(made))
